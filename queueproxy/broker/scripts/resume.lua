-- resume: let these queues go on.
--
-- ARGV: run, ms between two starts until nothing waits (0: no limit), queues...
-- Returns 'epoch', or the list of those that were paused, or still at the pace of a resume. Of the
-- others nothing is changed.

local function resume(queue, interval)
  clear('pace:' .. queue, 'next:' .. queue)
  if number('waiting:' .. queue) > 0 and tonumber(interval) > 0 then
    set('pace:' .. queue, interval)
    set('next:' .. queue, integer(NOW))
  end
  lift_pause(queue)
end

register('resume', function()
  if epoch_changed() then
    return 'epoch'
  end
  local resumed = {}
  for i = 3, #ARGV do
    if paused(ARGV[i]) or value('next:' .. ARGV[i]) then
      resume(ARGV[i], ARGV[2])
      resumed[#resumed + 1] = ARGV[i]
    end
  end
  return resumed
end, { 'allow-oom' })
