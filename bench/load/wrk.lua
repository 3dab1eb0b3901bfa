-- wrk with requests given byte for byte, and NUL between them: `wrk -s wrk.lua URL -- REQUEST_FILE`.

-- wrk sends the text that wrk.format returns again and again, and counts the requests in it.
-- If there is a function request, it sends what that returns; the texts are ready, because to
-- make one takes longer than a server does to answer it.
function init(args)
  local file = assert(io.open(args[1], "rb"))
  local requests = {}
  for text in file:read("*a"):gmatch("[^%z]+") do requests[#requests + 1] = text end
  file:close()
  wrk.format = function() return requests[1] end
  if #requests == 1 then return end
  local last = 0
  function request()
    last = last % #requests + 1
    return requests[last]
  end
end

-- Prints rates per second and milliseconds; wrk counts in microseconds.
function done(summary, latency)
  local seconds, errors = summary.duration / 1e6, summary.errors
  io.write(string.format(
    '\n{"rate":%f,"bytes":%f,"errors":%d,"p50":%f,"p99":%f,"max":%f}\n',
    summary.requests / seconds, summary.bytes / seconds,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
