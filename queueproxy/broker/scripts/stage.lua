-- stage: keep one chunk of a large body beside the queue, ahead of its request. Repeatable.
--
-- ARGV: run, front, id, chunk number, chunk, most bytes, expiry ms.
-- Returns 'epoch', 'fenced', 'memory_full' or 'ok'.

local FRONT, ID, NUMBER, CHUNK

register('stage', function()
  FRONT, ID, NUMBER, CHUNK = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
  if epoch_changed() then
    return 'epoch'
  end
  if not redis.call('ZSCORE', key('fronts'), FRONT) then
    return 'fenced'
  end
  if number('bytes') + #CHUNK > tonumber(ARGV[6]) then
    return 'memory_full'
  end
  if redis.call('HSET', key('body', ID), NUMBER, CHUNK) == 1 then
    add('bytes', #CHUNK)
    redis.call('HINCRBY', key('staged', FRONT), ID, #CHUNK)
    redis.call('PEXPIRE', key('body', ID), ARGV[7])
  end
  return 'ok'
end)
