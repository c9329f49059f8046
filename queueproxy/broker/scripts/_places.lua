-- Where waiting requests are, in the stream of their queue or in a set of waiting ones, and where a
-- claim puts those that it passes over.

-- The place a waiting entry is taken from: a set of waiting ones, or the stream, where `set_kind` is
-- nil. Nothing is taken before `leave`.
local function place_of(queue, entry, fields, set_kind, set_name)
  return { queue = queue, entry = entry, fields = fields, kind = set_kind, name = set_name }
end

local function leave(place)
  if place.kind then
    redis.call('ZREM', key(place.kind, place.name), padded(place.entry))
    add(place.kind .. ':' .. place.queue, -1)
  else
    set('cursor:' .. place.queue, place.entry)
  end
end

-- Delete an entry that enqueue did not write; it was never counted.
local function put_away(request, place)
  local unknown = { id = '', queue = place.queue, entry = place.entry, size = '0', piece_size = '0' }
  dead_letter(request or unknown, 'unregistered')
  leave(place)
  redis.call('XDEL', key('queue', place.queue), place.entry)
end

-- Leave it for a worker that knows its wire version, or is of its release (`@` and that).
local function park(place, version)
  see_that_all_is_allowed()
  redis.call('ZADD', key('parked', place.queue .. ':' .. version), 0, padded(place.entry))
  leave(place)
  add('parked:' .. place.queue, 1)
end

-- Let others pass a request whose group is full.
local function line_up(request, place)
  see_that_all_is_allowed()
  redis.call('ZADD', key('line', request.group), 0, in_line_as(request.queue, request.entry))
  leave(place)
  count_in_line(request.queue, 1)
end

-- The first entry of a set of waiting ones, nil where it is empty, or the first is put off still.
local function first_of(queue, kind, name)
  local member, put_off_until = unpack(redis.call('ZRANGE', key(kind, name), 0, 0, 'WITHSCORES'))
  if not member or tonumber(put_off_until) > lease_clock() then
    return nil
  end
  local entry = unpadded(member)
  return place_of(queue, entry, entry_fields(queue, entry), kind, name)
end

-- ms until the first of those handed back, where all are put off, may be started; nil where none is.
local function put_off_for(queue)
  if number('returned:' .. queue) == 0 then
    return nil
  end
  local score = redis.call('ZRANGE', key('returned', queue), 0, 0, 'WITHSCORES')[2]
  local left = score and tonumber(score) - lease_clock() or 0
  return left > 0 and left or nil
end

-- The next of those that are for one release alone, nil where none is.
local function next_for_release(queue, release)
  if release == '' or number('parked:' .. queue) == 0 then
    return nil
  end
  return first_of(queue, 'parked', queue .. ':@' .. release)
end

-- The next waiting entry of a queue: handed back ones, parked ones of a wire version, those for this release
-- alone, then the stream.
local function next_of(queue, version, release)
  local place = number('returned:' .. queue) > 0 and first_of(queue, 'returned', queue)
    or number('parked:' .. queue) > 0 and first_of(queue, 'parked', queue .. ':' .. version)
    or next_for_release(queue, release)
  if place then
    return place
  end
  local cursor = value('cursor:' .. queue)
  local found = redis.call('XRANGE', key('queue', queue), cursor and '(' .. cursor or '-', '+',
    'COUNT', 1)[1]
  return found and place_of(queue, found[1], found[2])
end
