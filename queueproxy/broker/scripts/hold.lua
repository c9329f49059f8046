-- hold: pause these queues for a short while, again and again, for as long as a command runs.
--
-- ARGV: run, length ms, token, details (JSON with the token in `hold`), queues...
-- Returns 'epoch', or a list: whether the broker did not know of this hold (1 or 0: the first time,
-- after it lapsed, after a flush), then the queues that are paused now.
--
-- A pause that a person made is neither taken over nor shortened, and one that a person ended is
-- not made again.

register('hold', function()
  if epoch_changed() then
    return 'epoch'
  end
  local length, mark = tonumber(ARGV[2]), key('hold', ARGV[3])
  local anew = redis.call('EXISTS', mark) == 0
  redis.call('SET', mark, '1', 'PX', length)
  local held = { anew and 1 or 0 }
  for i = 5, #ARGV do
    local queue = ARGV[i]
    local was = paused(queue)
    if was or anew then
      set('paused:' .. queue, integer(math.max(number('paused:' .. queue), NOW + length)))
      held[#held + 1] = queue
    end
    if anew and not was then
      redis.call('HSET', key('pauses'), queue, ARGV[4])
    end
  end
  return held
end, { 'allow-oom' })
