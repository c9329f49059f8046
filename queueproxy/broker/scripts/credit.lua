-- credit: clients have taken so many bytes of their streamed answers; their workers may go on.
--
-- ARGV: run, front, then id and bytes, again and again. Returns 'epoch' or 'ok'.

register('credit', function()
  if epoch_changed() then
    return 'epoch'
  end
  for i = 3, #ARGV, 2 do
    if redis.call('HEXISTS', key('held', ARGV[2]), ARGV[i]) == 1 then -- else it is over
      redis.call('RPUSH', key('flow', ARGV[i]), ARGV[i + 1])
      redis.call('PEXPIRE', key('flow', ARGV[i]), FLOW_EXPIRES)
    end
  end
  return 'ok'
end, { 'allow-oom' })
