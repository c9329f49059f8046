-- Answers that fronts have not read count for nothing.
function count_reply()
end
