-- Requests of a group are started however many of it run.
function must_line_up()
  return false
end
