-- pause: start nothing from these queues until they are resumed or the pause ends by itself.
--
-- ARGV: run, length ms, details (JSON), queues... Returns 'epoch' or 'ok'.

register('pause', function()
  if epoch_changed() then
    return 'epoch'
  end
  for i = 4, #ARGV do
    set('paused:' .. ARGV[i], integer(NOW + tonumber(ARGV[2])))
    redis.call('HSET', key('pauses'), ARGV[i], ARGV[3])
  end
  return 'ok'
end, { 'allow-oom' })
