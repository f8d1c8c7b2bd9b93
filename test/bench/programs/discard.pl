#!/usr/bin/perl
# Fetches one file over HTTP on N connections at once, again and again for so many seconds, and prints what came as JSON.
# It costs little beside the servers that it measures: the kernel drops the bytes of a body (MSG_TRUNC, see tcp(7))
# instead of copying them to a program that does not look at them.
#   discard.pl ADDRESS PORT PATH CONNECTIONS SECONDS
use strict;
use warnings;
use IO::Select;
use Socket;
use Time::HiRes qw(time);

use constant { MSG_TRUNC => 0x20, READ => 1 << 20 };

my ($address, $port, $path, $connections, $seconds) = @ARGV;
my $select = IO::Select->new;
my %begun;
my ($bytes, $begin) = (0, time);

sub ask {
    socket(my $socket, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
    connect($socket, pack_sockaddr_in($port, inet_aton($address))) or die "connect: $!";
    syswrite($socket, "GET $path HTTP/1.1\r\nHost: $address\r\nConnection: close\r\n\r\n");
    $select->add($socket);
}

ask() for 1 .. $connections;
while (time - $begin < $seconds) {
    for my $socket ($select->can_read(1)) {
        my $flags = $begun{$socket} ? MSG_TRUNC : 0;
        defined recv($socket, my $buffer, READ, $flags) or die "recv: $!";
        if (!$begun{$socket}) {
            $buffer =~ m{^HTTP/1\.1 200 } or die "no file: " . substr($buffer, 0, 200);
            $begun{$socket} = 1;
        }
        if (length $buffer) { $bytes += length $buffer; next }
        delete $begun{$socket};
        $select->remove($socket);
        close $socket;
        ask();
    }
}
my ($user, $system) = times;
printf qq({"bytes":%d,"seconds":%.3f,"cpuSeconds":%.2f}\n), $bytes, time - $begin, $user + $system;
