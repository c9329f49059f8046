-- include: requests
-- enqueue: put a batch of requests on their queues, each once however often the batch is sent.
--
-- ARGV: run, front, number of the first request, most depth, most bytes, then per request:
--       id, queue, hold ms, most attempts, bytes, chunks, wire version, head, body, signature.
-- Returns 'epoch', 'fenced' or 'ok'. A request that is refused is told of by a notice on the
-- front's replies (queue_full, memory_full, body_lost), so that a lost answer loses nothing.

local FRONT, FIRST, MOST_DEPTH, MOST_BYTES =
  ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local PER_REQUEST = 10

local function refusal(request)
  if tonumber(redis.call('HGET', K.state, 'waiting:' .. request.queue) or 0) >= MOST_DEPTH then
    return 'queue_full'
  end
  if tonumber(redis.call('HGET', K.state, 'bytes') or 0) + request.size - request.staged > MOST_BYTES then
    return 'memory_full'
  end
  if request.chunks > 0 and redis.call('HLEN', K.body(request.id)) ~= request.chunks then
    return 'body_lost'
  end
  return nil
end

local function unstage(request)
  if request.chunks > 0 and redis.call('HDEL', K.staged(FRONT), request.id) == 1 then
    count('bytes', -request.staged)
  end
end

local function enqueue(at)
  local request = {
    front = FRONT, id = ARGV[at], queue = ARGV[at + 1], size = tonumber(ARGV[at + 4]),
    chunks = tonumber(ARGV[at + 5]), staged = 0,
  }
  if request.chunks > 0 then
    request.staged = tonumber(redis.call('HGET', K.staged(FRONT), request.id) or 0)
  end
  local reason = refusal(request)
  unstage(request)
  if reason then
    redis.call('DEL', K.body(request.id))
    redis.call('HINCRBY', K.stats(request.queue), 'refused:' .. reason, 1)
    notice(request, reason)
    return
  end
  count('bytes', request.size)
  request.entry = redis.call('XADD', K.queue(request.queue), '*',
    'i', request.id, 'v', ARGV[at + 6], 'h', ARGV[at + 7], 'b', ARGV[at + 8], 's', ARGV[at + 9],
    'f', FRONT, 'x', ARGV[at + 2], 'n', ARGV[at + 4], 'c', ARGV[at + 5], 'a', ARGV[at + 3])
  write_held(request, nil)
  if request.chunks > 0 then
    redis.call('PERSIST', K.body(request.id))
  end
  count('waiting:' .. request.queue, 1)
  redis.call('HINCRBY', K.stats(request.queue), 'enqueued', 1)
  if not paused(request.queue) then
    ring(request.queue)
  end
end

if epoch_changed() then
  return 'epoch'
end
if not redis.call('ZSCORE', K.fronts, FRONT) then
  return 'fenced'
end
local taken = tonumber(redis.call('HGET', K.front(FRONT), 'seq') or 0)
local number = FIRST
for at = 6, #ARGV, PER_REQUEST do
  if number > taken then
    enqueue(at)
  end
  number = number + 1
end
redis.call('HSET', K.front(FRONT), 'seq', math.max(taken, number - 1))
return 'ok'
