-- Bodies that their fronts keep, and hand over piece by piece to the worker of a lease: see
-- ask_for_body.

-- Whether its front keeps its body and hands it over in pieces.
local function is_in_pieces(request)
  return request.piece_size ~= '0'
end

-- The bell of the pieces of a body that fronts hand over to one slot.
local function body_bell(slot)
  return 'body@' .. slot
end

-- The name of one piece of the body of a request in flight: each attempt has its own.
local function piece_name(lease, number)
  return table.concat({ lease.id, lease.entry, lease.attempt, number }, ':')
end

-- Delete pieces of the body, from one number up to before another, of those that the front has
-- handed over to the worker of a lease.
local function delete_pieces(lease, from, to)
  for number = from, to - 1 do
    redis.call('DEL', key('piece', piece_name(lease, number)))
  end
end

local function count_pieces(lease, more)
  add('bytes', more * lease.piece_size)
  add('pieces', more * lease.piece_size)
end

-- Delete what of a body was asked for and not read; it counts until the lease has ended.
local function forget_pieces(lease)
  if is_in_pieces(lease) then
    delete_pieces(lease, lease.body_read, lease.body_asked)
    redis.call('DEL', key('bell', body_bell(lease.slot)))
  end
end
