-- enqueue: put a batch of requests on their queues, each once however often the batch is sent.
--
-- ARGV: run, front, number of the first request, most depth, most bytes, then per request:
--       queue, meta (see parse_meta), wire version, head, body, signature.
-- Returns 'epoch', 'fenced' or 'ok'. A request that is refused is told of by a notice on the
-- front's replies (queue_full, memory_full, body_lost), so that a lost answer loses nothing.

local FRONT, FIRST, MOST_DEPTH, MOST_BYTES
local filled -- queues that got a request
local PER_REQUEST = 6

local function refusal(request)
  if number('waiting:' .. request.queue) >= MOST_DEPTH then
    return 'queue_full'
  end
  if number('bytes') + tonumber(request.size) - request.staged > MOST_BYTES then
    return 'memory_full'
  end
  if has_chunks(request)
      and redis.call('HLEN', key('body', request.id)) ~= tonumber(request.chunks) then
    return 'body_lost'
  end
  return nil
end

local function unstage(request)
  if has_chunks(request) and redis.call('HDEL', key('staged', FRONT), request.id) == 1 then
    add('bytes', -request.staged)
  end
end

local function enqueue(at)
  local request = parse_meta(ARGV[at + 1])
  request.queue = ARGV[at]
  request.staged = 0
  if has_chunks(request) then
    request.staged = tonumber(redis.call('HGET', key('staged', FRONT), request.id) or 0)
  end
  local reason = refusal(request)
  unstage(request)
  if reason then
    redis.call('DEL', key('body', request.id))
    add_stat(request.queue, 'refused:' .. reason, 1)
    notice(request, reason)
    return
  end
  add('bytes', tonumber(request.size))
  request.entry = redis.call('XADD', key('queue', request.queue), '*',
    'm', ARGV[at + 1], 'v', ARGV[at + 2], 'h', ARGV[at + 3], 'b', ARGV[at + 4], 's', ARGV[at + 5])
  write_held(request, nil)
  if has_chunks(request) then
    redis.call('PERSIST', key('body', request.id))
  end
  add('waiting:' .. request.queue, 1)
  add_stat(request.queue, 'enqueued', 1)
  filled[request.queue] = true
end

local function ring_for_new()
  for queue in pairs(filled) do
    if not paused(queue) then
      ring(queue)
    end
  end
end

register('enqueue', function()
  FRONT, FIRST, MOST_DEPTH, MOST_BYTES = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
  if epoch_changed() then
    return 'epoch'
  end
  if not redis.call('ZSCORE', key('fronts'), FRONT) then
    return 'fenced'
  end
  local taken = tonumber(redis.call('HGET', key('front', FRONT), 'seq') or 0)
  local next_number = FIRST
  filled = {}
  for at = 6, #ARGV, PER_REQUEST do
    if next_number > taken then
      enqueue(at)
    end
    next_number = next_number + 1
  end
  ring_for_new()
  redis.call('HSET', key('front', FRONT), 'seq', math.max(taken, next_number - 1))
  return 'ok'
end)
