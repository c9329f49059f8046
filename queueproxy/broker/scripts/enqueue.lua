-- enqueue: put a batch of requests on their queues, each once however often the batch is sent.
--
-- Arguments: front; joined: since when it believes to be on the list (see front_join); first: number of
-- the first request; max_depth: of a queue; max_bytes: of all in the broker; then for each request:
-- queue, meta (a Meta of records.py), wire version, head, body, signature.
-- Reply: 'fenced' (also a batch that comes late, from before its front was given up and came back: its
-- numbers are others' by now) or 'ok'. A request that is refused is told of by an entry of the front's replies
-- (queue_full, group_full, memory_full), so that a lost answer loses nothing.

local A = arguments('front', 'joined', 'first', 'max_depth', 'max_bytes')
local PER_REQUEST = 6
local filled -- queues that got a request

local function refusal(request)
  if number('waiting:' .. request.queue) >= tonumber(A.max_depth) then
    return 'queue_full'
  end
  if request.group and group_is_full(request, A.max_depth, A.max_bytes) then
    return 'group_full'
  end
  -- Pieces of bodies come and go: they keep nobody out.
  if number('bytes') - number('pieces') + tonumber(request.size) > tonumber(A.max_bytes) then
    return 'memory_full'
  end
  return nil
end

local function refuse(request, reason)
  tell_reason(request, reason)
  if not request.release then
    add_stat(request.queue, 'refused:' .. reason, 1)
  end
end

-- An entry without a `held` record is never run: delete it where the record can't be written.
local function add_to_queue(request, meta, version, head, body, signature)
  request.entry = redis.call('XADD', key('queue', request.queue), '*',
    'm', meta, 'c', lease_clock(), 'v', version, 'h', head, 'b', body, 's', signature)
  local done, why = pcall(write_held, request, nil)
  if not done then
    redis.call('XDEL', key('queue', request.queue), request.entry)
    error(why, 0)
  end
  add('waiting:' .. request.queue, 1)
  add('bytes', tonumber(request.size))
  if request.group then
    count_waiting(request, 1)
    group_named(request.group).at_most = tonumber(request.at_most)
  end
  if request.release then
    park_for_release(request)
  end
end

local function enqueue(queue, meta, ...)
  local request = parse_meta(meta)
  if redis.call('HEXISTS', key('held', A.front), request.id) == 1 then
    return -- it came late, on a connection that its front had given up, and has come again
  end
  request.queue = queue
  see_group(request)
  local reason = refusal(request)
  if reason then
    refuse(request, reason)
    return
  end
  add_to_queue(request, meta, ...)
  if not request.release then -- else it is nobody's
    add_stat(queue, 'enqueued', 1)
    filled[queue] = true
  end
  if request.group then
    call_up(request.group) -- where its limit is higher than that of those before it
  end
end

local function ring_for_new()
  for queue in pairs(filled) do
    if not paused(queue) then
      ring(queue)
    end
  end
end

-- Most batches are for one queue: what is needed of the first one's is read with the rest.
local field_names = {}

local function read_ahead()
  local queue = ARGV[A.rest]
  local names = field_names[queue]
  if not names then
    names = { 'run', 'schema', 'bytes', 'pieces', 'waiting:' .. queue, 'paused:' .. queue, 'clock' }
    field_names[queue] = names
  end
  return names
end

register('enqueue', A, { often = true, read_ahead = read_ahead }, function()
  local joined, taken = unpack(redis.call('HMGET', key('front', A.front), 'joined', 'seq'))
  if joined ~= A.joined or not redis.call('ZSCORE', key('fronts'), A.front) then
    return 'fenced'
  end
  taken = tonumber(taken or 0)
  local number_of = tonumber(A.first)
  filled = {}
  local done, why = true, nil
  for at = A.rest, #ARGV, PER_REQUEST do
    if number_of > taken then
      done, why = pcall(enqueue, unpack(ARGV, at, at + PER_REQUEST - 1))
      if not done then
        break
      end
      taken = number_of
    end
    number_of = number_of + 1
  end
  redis.call('HSET', key('front', A.front), 'seq', taken)
  ring_for_new()
  if not done then
    error(why, 0)
  end
  return 'ok'
end)
