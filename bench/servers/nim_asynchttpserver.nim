## The original, used as its documentation shows.
import std/[asyncdispatch, asynchttpserver]

proc main {.async.} =
  var server = newAsyncHttpServer()
  proc answer(request: Request) {.async.} =
    let headers = {"Content-type": "text/plain; charset=utf-8"}
    await request.respond(Http200, "Hello, World!", headers.newHttpHeaders())

  server.listen(Port(0), "127.0.0.1")
  echo "port ", server.getPort.uint16
  stdout.flushFile()
  while true:
    if server.shouldAcceptRequest():
      await server.acceptRequest(answer)
    else:
      await sleepAsync(500)

waitFor main()
