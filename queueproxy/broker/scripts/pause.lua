-- pause: start nothing from these queues until they are resumed or the pause ends by itself.
--
-- Arguments: length: ms; details: JSON; then queues.
-- Reply: 'ok'.

local A = arguments('length', 'details')

register('pause', A, { flags = { 'allow-oom' } }, function()
  for i = A.rest, #ARGV do
    redis.call('HSET', key('pauses'), ARGV[i], A.details)
    set('paused:' .. ARGV[i], integer(NOW + tonumber(A.length)))
  end
  return 'ok'
end)
