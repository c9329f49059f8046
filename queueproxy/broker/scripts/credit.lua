-- credit: clients have taken so many bytes of their streamed answers; their workers may go on.
--
-- Arguments: front; then id and bytes, again and again.
-- Reply: 'ok'.

local A = arguments('front')

register('credit', A, { flags = { 'allow-oom' } }, function()
  for i = A.rest, #ARGV, 2 do
    if redis.call('HEXISTS', key('held', A.front), ARGV[i]) == 1 then -- else it is over
      redis.call('RPUSH', key('flow', ARGV[i]), ARGV[i + 1])
      redis.call('PEXPIRE', key('flow', ARGV[i]), FLOW_EXPIRES)
    end
  end
  return 'ok'
end)
