# Usage: fetch.pl HOST PORT
# Fetches /who five times by sockets with a time limit, and prints what comes.

use strict;
use warnings;

use IO::Socket::INET;

my ($address, $port) = @ARGV;
for (1 .. 5) {
    my $socket = IO::Socket::INET->new(PeerAddr => $address, PeerPort => $port, Proto => 'tcp', Timeout => 30)
        or die "$@\n";
    my $same = $socket->peerhost eq $address || $address =~ /[a-z]/;
    die "another peer\n" unless $same && $socket->peerport == $port;
    print $socket "GET /who HTTP/1.0\r\n\r\n";
    local $/;
    my (undef, $body) = split /\r\n\r\n/, <$socket>, 2;
    print $body;
}
