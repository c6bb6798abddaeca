// How a client connects. opener(handlers) makes one connection, and calls
//   opened(connection)   when it is there; connection has send(text), pause(), resume() and close()
//   received(bytes)      which throws if they are not aribusd's protocol: the connection is then closed
//   closed(reason)       once, at its end, or when it could not be made
export const WITH_CONNECTIONS = Symbol('with connections');
