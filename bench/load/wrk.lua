-- wrk with a request given byte for byte: `wrk -s wrk.lua URL -- REQUEST_FILE`.

-- wrk sends the text that wrk.format returns again and again, and counts the requests in it.
function init(args)
  local file = assert(io.open(args[1], "rb"))
  local request = file:read("*a")
  file:close()
  wrk.format = function() return request end
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
