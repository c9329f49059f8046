-- What is said to fronts, and counted until they have read it.

-- ms of the server's own clock, by which keys expire: so many that an hour's step of it costs nobody an
-- answer. A front's heartbeat begins it anew; what a lost one leaves is deleted long before.
local REPLIES_EXPIRE = 86400000

-- Bytes of the values among fields and values of a reply entry, as the front counts them too.
local function reply_size(...)
  local size = 0
  for i = 2, select('#', ...), 2 do
    size = size + #select(i, ...)
  end
  return size
end

local function count_reply(front, size)
  add('bytes', size)
  add('replies:' .. front, size)
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
