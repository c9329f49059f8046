-- When a queue may start its next request: not while it is paused, and no faster than a paced resume says.

-- ms until this queue may start the next: while it is paused, and after a paced resume.
local function time_left(queue)
  return math.max(0, number('paused:' .. queue) - lease_clock(), number('next:' .. queue) - lease_clock())
end

local function step_rate(queue)
  if not value('next:' .. queue) then
    return
  end
  if number('waiting:' .. queue) <= 0 then
    clear('pace:' .. queue, 'next:' .. queue)
  else
    -- Counted from the last start that was due, so that late claims don't lower the rate.
    set('next:' .. queue,
      integer(math.max(number('next:' .. queue), lease_clock() - 1000) + number('pace:' .. queue)))
  end
end
