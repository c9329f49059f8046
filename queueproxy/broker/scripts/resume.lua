-- resume: let these queues go on.
--
-- Arguments: interval: ms between two starts until nothing waits (0: no limit); then queues.
-- Reply: those that were paused, or still at the pace of a resume. Of the others nothing is changed.

local A = arguments('interval')

local function resume(queue)
  clear('pace:' .. queue, 'next:' .. queue)
  if number('waiting:' .. queue) > 0 and tonumber(A.interval) > 0 then
    set('pace:' .. queue, A.interval)
    set('next:' .. queue, integer(clock()))
  end
  lift_pause(queue)
end

register('resume', A, { flags = { 'allow-oom' } }, function()
  local resumed = {}
  for i = A.rest, #ARGV do
    if paused(ARGV[i]) or value('next:' .. ARGV[i]) then
      resume(ARGV[i])
      resumed[#resumed + 1] = ARGV[i]
    end
  end
  return resumed
end)
