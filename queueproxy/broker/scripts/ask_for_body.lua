-- ask_for_body: ask a front for further pieces of the body of a request in flight.
--
-- Arguments: worker, slot; id, entry, attempt: of the lease; read: pieces that the worker has read, which
-- are deleted; upto: before which it wants them; again: 1 to be sent again what it has asked for and not
-- read; max_bytes: of all in the broker.
-- Reply: 'fenced', 'gone' (nobody wants the answer) or the number up to which the front is asked.
--
-- What is asked for counts in `bytes` until it is read, or the lease ends. Where there is no room for
-- all of it, or all workers together have asked for an eighth of what the broker may hold, as few are
-- asked for as the worker needs to go on: one that it has not read.

local A = arguments('worker', 'slot', 'id', 'entry', 'attempt', 'read', 'upto', 'again', 'max_bytes')

local SHARE = 1 / 8

-- How far the front is to be asked, so that it fits.
local function granted(lease, read)
  local asked, upto = lease.body_asked, math.max(lease.body_asked, tonumber(A.upto))
  local size = ((upto - asked) - (read - lease.body_read)) * lease.piece_size
  local max_bytes = tonumber(A.max_bytes)
  local fits = number('bytes') + size <= max_bytes and number('pieces') + size <= max_bytes * SHARE
  return (size <= 0 or fits) and upto or math.max(asked, read + 1)
end

local function ask(lease, from, upto)
  tell(lease.front, 'w', cjson.encode({
    id = lease.id, entry = lease.entry, attempt = lease.attempt, first = from, upto = upto,
  }))
end

register('ask_for_body', A, { often = true, flags = { 'allow-oom' } }, function()
  if not redis.call('ZSCORE', key('workers'), A.worker) then
    return 'fenced'
  end
  local lease = read_lease(A.slot)
  if not lease or registration(lease) ~= A.id .. ' ' .. A.entry
      or lease.attempt ~= tonumber(A.attempt) or not is_in_pieces(lease) then
    return 'fenced'
  end
  if not wanted(lease) then
    return 'gone'
  end
  local before, read = lease.body_read, math.max(lease.body_read, tonumber(A.read))
  local upto = granted(lease, read)
  local from = A.again == '1' and read or lease.body_asked
  if from < upto then
    ask(lease, from, upto)
  end
  local more = (upto - lease.body_asked) - (read - before)
  lease.body_read, lease.body_asked = read, upto
  write_lease(lease)
  count_pieces(lease, more)
  delete_pieces(lease, before, read)
  return upto
end)
