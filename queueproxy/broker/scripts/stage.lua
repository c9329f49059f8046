-- stage: keep one chunk of a large body beside the queue, ahead of its request. Repeatable.
--
-- Arguments: front; id: of the request; number, chunk; max_bytes: of all in the broker; expiry: ms.
-- Reply: 'fenced', 'memory_full' or 'ok'.

local A = arguments('front', 'id', 'number', 'chunk', 'max_bytes', 'expiry')

register('stage', A, {}, function()
  if not redis.call('ZSCORE', key('fronts'), A.front) then
    return 'fenced'
  end
  local size = #A.chunk
  if number('bytes') + size > tonumber(A.max_bytes) then
    return 'memory_full'
  end
  if redis.call('HEXISTS', key('body', A.id), A.number) == 0 then
    redis.call('HINCRBY', key('staged', A.front), A.id, size)
    add('bytes', size)
    redis.call('HSET', key('body', A.id), A.number, A.chunk)
    redis.call('PEXPIRE', key('body', A.id), A.expiry)
  end
  return 'ok'
end)
