-- resume: let these queues go on.
--
-- ARGV: run, ms between two starts until nothing waits (0: no limit), queues...
-- Returns 'epoch', or the list of those that were paused.

register('resume', function()
  if epoch_changed() then
    return 'epoch'
  end
  local resumed = {}
  for i = 3, #ARGV do
    local queue = ARGV[i]
    if paused(queue) then
      resumed[#resumed + 1] = queue
    end
    clear('paused:' .. queue, 'pace:' .. queue, 'next:' .. queue)
    redis.call('HDEL', key('pauses'), queue)
    if number('waiting:' .. queue) > 0 then
      if tonumber(ARGV[2]) > 0 then
        set('pace:' .. queue, ARGV[2])
        set('next:' .. queue, integer(NOW))
      end
      ring(queue)
    end
  end
  return resumed
end, { 'allow-oom' })
