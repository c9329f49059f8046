-- hand_over: tell a worker that pieces of a request's body are there: its front has just set them.
--
-- Arguments: front; id, entry, attempt: of the request, as its worker asked; first, upto: the numbers
-- of the pieces, the last one not included.
-- Reply: 'ok', or 'gone' where that attempt is over: then the front deletes them again.
--
-- What the worker has read meanwhile (it had asked twice) is deleted here.
-- Pieces are values of their own, set in the same write: a script would copy and hash each byte.

local A = arguments('front', 'id', 'entry', 'attempt', 'first', 'upto')

register('hand_over', A, { often = true, flags = { 'allow-oom' } }, function()
  local request = read_held(A.id, A.front, redis.call('HGET', key('held', A.front), A.id))
  local lease = request and request.slot and lease_of(request)
  if not lease or lease.entry ~= A.entry or lease.attempt ~= tonumber(A.attempt) then
    return 'gone'
  end
  delete_pieces(lease, tonumber(A.first), math.min(tonumber(A.upto), lease.body_read))
  ring(body_bell(lease.slot))
  return 'ok'
end)
