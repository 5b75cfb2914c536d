import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** Twenty pages at once by channels that connect without blocking, all in one selector. Prints what comes. */
public class Nio {
    public static void main(String[] args) throws Exception {
        URI uri = URI.create(args[0]);
        InetSocketAddress address = new InetSocketAddress(uri.getHost(), uri.getPort());
        byte[] request = ("GET " + uri.getPath() + " HTTP/1.0\r\n\r\n").getBytes(StandardCharsets.US_ASCII);
        try (Selector selector = Selector.open()) {
            for (int i = 0; i < 20; i++) {
                SocketChannel channel = SocketChannel.open();
                channel.configureBlocking(false);
                channel.register(selector, SelectionKey.OP_CONNECT, ByteBuffer.allocate(4096));
                if (channel.connect(address)) {
                    throw new IllegalStateException("connected at once");
                }
            }
            int left = 20;
            while (left > 0) {
                if (selector.select(30_000) == 0) {
                    throw new IllegalStateException("timed out");
                }
                for (SelectionKey key : selector.selectedKeys()) {
                    left -= advance(key, address, request);
                }
                selector.selectedKeys().clear();
            }
        }
    }

    /** 1 if that was the end of the channel, else 0. */
    private static int advance(SelectionKey key, InetSocketAddress address, byte[] request) throws Exception {
        SocketChannel channel = (SocketChannel) key.channel();
        ByteBuffer answer = (ByteBuffer) key.attachment();
        if (key.isConnectable()) {
            if (!channel.finishConnect() || !channel.getRemoteAddress().equals(address)) {
                throw new IllegalStateException("not connected to " + address);
            }
            channel.write(ByteBuffer.wrap(request));
            key.interestOps(SelectionKey.OP_READ);
        } else if (channel.read(answer) < 0) {
            String text = StandardCharsets.US_ASCII.decode(answer.flip()).toString();
            System.out.print(text.substring(text.indexOf("\r\n\r\n") + 4));
            channel.close();
            return 1;
        }
        return 0;
    }
}
