-- What a worker process is told of the clients of its answers: `flow` in queueproxy/keys.py.

local LEFT = 'left' -- nobody reads this answer any more

-- The worker of a slot (`worker/thread`).
local function worker_of(slot)
  return string.match(slot, '^(.*)/')
end

-- The bell of what is said to one worker process about the clients of its answers.
local function flow_bell(worker)
  return 'flow@' .. worker
end

-- Tell the worker of a lease how far its client is: the bytes it has taken, or LEFT.
local function tell_worker(lease, how_far)
  local worker = worker_of(lease.slot)
  local flow = key('flow', worker)
  local before = redis.call('HGET', flow, registration(lease))
  if before == LEFT or before and how_far ~= LEFT and tonumber(before) >= tonumber(how_far) then
    return -- said already
  end
  redis.call('LLEN', key('bell', flow_bell(worker)))
  redis.call('HSET', flow, registration(lease), how_far)
  ring(flow_bell(worker))
end

local function forget_client(lease)
  redis.call('HDEL', key('flow', worker_of(lease.slot)), registration(lease))
end
