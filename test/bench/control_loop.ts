/**
 * A loop with nothing to do: sends back on one TCP connection what it gets. What the machine, the kernel and the
 * generator itself add to a measured delay shows here as much as behind the gateway, and is subtracted.
 *
 * Prints the port it listens on.
 */
const server = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open: (socket) => void socket.setNoDelay(true),
    data: (socket, chunk) => void socket.write(chunk),
  },
});
console.log(server.port);
