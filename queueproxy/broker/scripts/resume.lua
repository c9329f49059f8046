-- resume: end people's pauses of these queues, and where told to, those of holds.
--
-- Arguments: interval: ms between two starts until nothing waits (0: no limit), but of the operators'
-- lane, which is no part of a backlog; break_hold: 1 or 0; then queues.
-- Reply: the queues that go on: paused before, or still at the pace of a resume. One that a hold still
-- needs is not among them.

local A = arguments('interval', 'break_hold')

local function end_pauses_of_people(queue)
  for _, pause in ipairs(standing_pauses()) do
    local of_hold = string.sub(pause.owner, 1, 5) == 'hold:'
    if pause.queue == queue and (not of_hold or A.break_hold == '1') then
      redis.call('HDEL', key('pauses'), pause_field(queue, pause.owner))
    end
  end
end

local function set_pace(queue)
  clear('pace:' .. queue, 'next:' .. queue)
  if queue ~= OPS_QUEUE and number('waiting:' .. queue) > 0 and tonumber(A.interval) > 0 then
    set('pace:' .. queue, A.interval)
    set('next:' .. queue, integer(lease_clock()))
  end
end

register('resume', A, { flags = { 'allow-oom' } }, function()
  local resumed = {}
  for i = A.rest, #ARGV do
    local queue = ARGV[i]
    if paused(queue) or value('next:' .. queue) then
      end_pauses_of_people(queue)
      if not update_pause(queue) then
        set_pace(queue)
        resumed[#resumed + 1] = queue
      end
    end
  end
  return resumed
end)
