-- front_leave: a front has drained and goes; a bounded part of what it left a call.
--
-- Arguments: front.
-- Reply: 'again' while there is more, 'ok'.

local A = arguments('front')
local REQUESTS_A_CALL = 500

register('front_leave', A, { flags = { 'allow-oom' } }, function()
  return reap_front(A.front, REQUESTS_A_CALL) and 'ok' or 'again'
end)
