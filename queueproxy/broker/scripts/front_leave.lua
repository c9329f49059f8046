-- front_leave: a front has drained and goes; a bounded part of what it left a call.
-- ARGV: run, front. Returns 'epoch', 'again' or 'ok'.

register('front_leave', function()
  if epoch_changed() then
    return 'epoch'
  end
  return reap_front(ARGV[2], 500) and 'ok' or 'again'
end, { 'allow-oom' })
