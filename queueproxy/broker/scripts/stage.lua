-- stage: keep one chunk of a large body beside the queue, ahead of its request. Repeatable.
--
-- ARGV: run, front, id, chunk number, chunk, most bytes, expiry ms.
-- Returns 'epoch', 'fenced', 'memory_full' or 'ok'.

local FRONT, ID, NUMBER, CHUNK = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if epoch_changed() then
  return 'epoch'
end
if not redis.call('ZSCORE', K.fronts, FRONT) then
  return 'fenced'
end
if tonumber(redis.call('HGET', K.state, 'bytes') or 0) + #CHUNK > tonumber(ARGV[6]) then
  return 'memory_full'
end
if redis.call('HSET', K.body(ID), NUMBER, CHUNK) == 1 then
  count('bytes', #CHUNK)
  redis.call('HINCRBY', K.staged(FRONT), ID, #CHUNK)
  redis.call('PEXPIRE', K.body(ID), ARGV[7])
end
return 'ok'
