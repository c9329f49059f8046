-- What is said to fronts, and counted until they have read it.

-- ms of the server's own clock, by which keys expire: so many that an hour's step of it costs nobody an
-- answer. A front's heartbeat begins it anew; what a lost one leaves is deleted long before.
local REPLIES_EXPIRE = 86400000

-- Fields and values of a reply entry of one frame. Its body is among them, or a value beside them, of
-- that name: `answer` in queueproxy/keys.py.
local function frame_fields(version, head, body, signature, value_name, value_size)
  if value_name == '' then
    return 'v', version, 'h', head, 'b', body, 's', signature
  end
  return 'v', version, 'h', head, 'a', value_name, 'l', value_size, 's', signature
end

-- Keep the value that holds a frame's body, which was written to expire soon, as long as replies.
-- Returns whether it is there: the server may have refused it.
local function prolong_value(value_name, value_size)
  if value_name == '' then
    return true
  end
  redis.call('PEXPIRE', key('answer', value_name), REPLIES_EXPIRE)
  return redis.call('STRLEN', key('answer', value_name)) == tonumber(value_size)
end

-- Delete the value of a frame that no front is told of.
local function delete_value(value_name)
  if value_name ~= '' then
    redis.call('DEL', key('answer', value_name))
  end
end

-- Bytes of the values among fields and values of a reply entry, and of the body beside it, as the
-- front counts them too.
local function reply_size(...)
  local size = 0
  for i = 1, select('#', ...), 2 do
    local field, value = select(i, ...)
    size = size + #value + (field == 'l' and tonumber(value) or 0)
  end
  return size
end

local function count_reply(front, size)
  add('bytes', size)
  add('replies:' .. front, size)
end

local DROP_REPLIES = 32 -- entries of replies that are looked at together

-- Delete what a front has not read, and the values beside it, about `limit` entries a call. Returns
-- whether all is deleted.
local function drop_replies(front, limit)
  local replies = key('replies', front)
  value('replies:' .. front) -- what is read later misses what was added before
  for _ = 1, limit, DROP_REPLIES do
    local entries = redis.call('XRANGE', replies, '-', '+', 'COUNT', DROP_REPLIES)
    for _, entry in ipairs(entries) do
      delete_value(table_of(entry[2]).a or '')
      redis.call('XDEL', replies, entry[1])
      count_reply(front, -reply_size(unpack(entry[2])))
    end
    if #entries < DROP_REPLIES then
      return true
    end
  end
  return false
end

-- Whether an answer of so many bytes has to wait until fronts have read. A front with nothing unread
-- gets one even over the limit, so that progress never stops.
local function no_room_for_reply(front, size, max_bytes)
  return number('bytes') + size > tonumber(max_bytes) and number('replies:' .. front) > 0
end

-- Tell a front by an entry of its replies.
local function tell(front, ...)
  redis.call('XADD', key('replies', front), '*', ...)
  count_reply(front, reply_size(...))
  redis.call('PEXPIRE', key('replies', front), REPLIES_EXPIRE)
end

-- Tell a front what became of a request that no worker answers. `proof`: of its worker, that it was not
-- run; nil or '' where there is none.
local function tell_reason(request, reason, proof)
  local proven = proof and proof ~= ''
  tell(request.front, 'n', cjson.encode({
    id = request.id, reason = reason, attempt = request.attempt or 0,
    entry = proven and request.entry or nil, proof = proven and proof or nil,
  }))
end
