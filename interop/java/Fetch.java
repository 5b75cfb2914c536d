import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A page by a blocking connect, then twenty at once by the client that waits with epoll. Prints it if all are alike. */
public class Fetch {
    public static void main(String[] args) throws Exception {
        URI uri = URI.create(args[0]);
        String page;
        try (InputStream in = uri.toURL().openStream()) {
            page = new String(in.readAllBytes());
        }
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        HttpRequest request = HttpRequest.newBuilder(uri).build();
        List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            answers.add(client.sendAsync(request, HttpResponse.BodyHandlers.ofString()));
        }
        String host = page.substring(0, page.lastIndexOf('.') < 0 ? page.length() : page.lastIndexOf('.'));
        for (CompletableFuture<HttpResponse<String>> answer : answers) {
            if (!answer.get().body().startsWith(host)) {
                throw new IllegalStateException("another page: " + answer.get().body());
            }
        }
        System.out.print(page);
    }
}
