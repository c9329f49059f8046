-- reconcile: which of a front's requests does the broker no longer know?
--
-- Arguments: front; then ids.
-- Reply: those of the ids that it does not hold.

local A = arguments('front')

register('reconcile', A, { flags = { 'allow-oom' } }, function()
  local missing = {}
  for i = A.rest, #ARGV do
    if redis.call('HEXISTS', key('held', A.front), ARGV[i]) == 0 then
      missing[#missing + 1] = ARGV[i]
    end
  end
  return missing
end)
