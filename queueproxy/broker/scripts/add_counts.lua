-- add_counts: add to the statistics what a worker thread counted. Not repeatable: a lost answer is not
-- sent again, so that a count may be short and is never doubled.
--
-- ARGV: run, worker, requests completed, then queue, field and number, again and again.
-- Returns 'epoch' or 'ok'.

register('add_counts', function()
  if epoch_changed() then
    return 'epoch'
  end
  if redis.call('EXISTS', key('worker', ARGV[2])) == 1 then
    redis.call('HINCRBY', key('worker', ARGV[2]), 'completed', ARGV[3])
  end
  for i = 4, #ARGV, 3 do
    add_stat(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]))
  end
  return 'ok'
end, { 'allow-oom' })
