## Nim's own server with the handler of handler.ts, for differences_test.ts.

import std/[algorithm, asyncdispatch, asynchttpserver, asyncnet, sequtils, strutils, tables, uri]

proc describe(req: Request): string =
  result.add "method=" & $req.reqMethod & "\n"
  result.add "path=" & req.url.path & "\n"
  result.add "query=" & req.url.query & "\n"
  result.add "anchor=" & req.url.anchor & "\n"
  if req.headers.hasKey("x-url"):
    result.add "scheme=" & req.url.scheme & "\n"
    result.add "uhost=" & req.url.hostname & "\n"
    result.add "uport=" & req.url.port & "\n"
    result.add "user=" & req.url.username & "\n"
  result.add "proto=" & req.protocol.orig & "," & $req.protocol.major & "," &
    $req.protocol.minor & "\n"
  result.add "host=" & req.hostname & "\n"
  for name in sorted(toSeq(req.headers.table.keys)):
    result.add "h:" & name & "=" & $(req.headers[name]) & "\n"
  result.add "body=" & $req.body.len & ":" & req.body & "\n"

proc handler(req: Request) {.async, gcsafe.} =
  case req.url.path
  of "/": await req.respond(Http200, "Hello")
  of "/h":
    await req.respond(Http200, "x", newHttpHeaders([("X-Custom-Name", "A b"),
      ("content-TYPE", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]))
  of "/ht":
    await req.respond(Http200, "x", newHttpHeaders([("x-custom-name", "A b"),
      ("Content-Type", "text/plain")], titleCase = true))
  of "/200": await req.respond(Http200, "")
  of "/201": await req.respond(Http201, "made", newHttpHeaders([("Location", "/x/1")]))
  of "/204": await req.respond(Http204, "")
  of "/204b": await req.respond(Http204, "body")
  of "/205": await req.respond(Http205, "")
  of "/304": await req.respond(Http304, "")
  of "/413", "/414", "/416", "/418", "/422", "/510", "/299", "/599":
    await req.respond(HttpCode(parseInt(req.url.path[1 .. ^1])), "x")
  of "/100": await req.respond(Http100, "")
  of "/0": await req.respond(HttpCode(0), "")
  of "/cl": await req.respond(Http200, "12345", newHttpHeaders([("Content-Length", "5")]))
  of "/badcl": await req.respond(Http200, "12345", newHttpHeaders([("Content-Length", "3")]))
  of "/te":
    await req.respond(Http200, "5\r\nHello\r\n0\r\n\r\n",
      newHttpHeaders([("Transfer-Encoding", "chunked")]))
  of "/conn": await req.respond(Http200, "x", newHttpHeaders([("Connection", "close")]))
  of "/connka": await req.respond(Http200, "x", newHttpHeaders([("Connection", "keep-alive")]))
  of "/date":
    await req.respond(Http200, "x", newHttpHeaders([("Date", "Thu, 01 Jan 1970 00:00:00 GMT")]))
  of "/server": await req.respond(Http200, "x", newHttpHeaders([("Server", "nim")]))
  of "/crlf": await req.respond(Http200, "x", newHttpHeaders([("X-A", "a\r\nX-B: b")]))
  of "/emptyv": await req.respond(Http200, "x", newHttpHeaders([("X-A", "")]))
  of "/utf8": await req.respond(Http200, "grüß €")
  of "/utf8h": await req.respond(Http200, "x", newHttpHeaders([("X-A", "grüß")]))
  of "/twice":
    await req.respond(Http200, "one")
    await req.respond(Http200, "two")
  of "/noanswer": discard
  of "/sh":
    await req.client.send("HTTP/1.1 200 OK\r\n")
    await req.sendHeaders(newHttpHeaders([("Content-Type", "text/plain"),
      ("Content-Length", "3")]))
    await req.client.send("\r\nabc")
  of "/raw": await req.client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  of "/close":
    await req.respond(Http200, "bye")
    req.client.close()
  of "/slow":
    await sleepAsync(150)
    await req.respond(Http200, "slow")
  of "/big": await req.respond(Http200, repeat('x', 100_000))
  else: await req.respond(Http200, describe(req))

proc main() {.async.} =
  let server = newAsyncHttpServer(maxBody = 1000)
  server.listen(Port(0), "127.0.0.1")
  echo "Listening on http://127.0.0.1:", server.getPort.int, "/"
  stdout.flushFile
  while true:
    if server.shouldAcceptRequest(): await server.acceptRequest(handler)
    else: await sleepAsync(500)

asyncCheck main()
while true:
  # An error of one connection surfaces here, and would end the process.
  try: poll()
  except CatchableError: discard
