<?php
// Usage: fetch.php URL ADDRESS:PORT
// Prints the page at the URL, and /who of the server at the address ten times by sockets that connect at once.

function fail(string $why): never
{
    fwrite(STDERR, "$why\n");
    exit(1);
}

[, $url, $address] = $argv;
$page = @file_get_contents($url);
if ($page === false) {
    fail(error_get_last()['message']);
}
echo $page;

$connecting = [];
for ($i = 0; $i < 10; $i++) {
    $flags = STREAM_CLIENT_CONNECT | STREAM_CLIENT_ASYNC_CONNECT;
    $socket = stream_socket_client("tcp://$address", $code, $why, 30, $flags) ?: fail($why);
    $connecting[] = $socket;
}
while ($connecting) {
    [$none, $ready, $except] = [[], $connecting, []];
    if (!stream_select($none, $ready, $except, 30)) {
        fail('timed out');
    }
    foreach ($ready as $socket) {
        stream_set_blocking($socket, true);
        fwrite($socket, "GET /who HTTP/1.0\r\n\r\n");
        echo explode("\r\n\r\n", stream_get_contents($socket), 2)[1];
        fclose($socket);
    }
    $connecting = array_udiff($connecting, $ready, fn($a, $b) => (int) $a <=> (int) $b);
}
