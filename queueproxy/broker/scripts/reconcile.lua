-- reconcile: which of a front's requests does the broker no longer know?
-- ARGV: run, front, ids... Returns 'epoch' or the list of ids it does not hold.

register('reconcile', function()
  if epoch_changed() then
    return 'epoch'
  end
  local missing = {}
  for i = 3, #ARGV do
    if redis.call('HEXISTS', key('held', ARGV[2]), ARGV[i]) == 0 then
      missing[#missing + 1] = ARGV[i]
    end
  end
  return missing
end, { 'allow-oom' })
