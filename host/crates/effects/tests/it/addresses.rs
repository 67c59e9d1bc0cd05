//! Which addresses are public: both sides of every border.

use wforge_effects::outbound::is_public;

/// The last address before a range, its first, its last and the next one; then whether those
/// outside are public.
fn check(range: &str, [before, first, last, after]: [&str; 4], [low, high]: [bool; 2]) {
    for (address, expected) in [(before, low), (first, false), (last, false), (after, high)] {
        if !address.is_empty() {
            let public = is_public(address.parse().unwrap());
            assert_eq!(public, expected, "{range}: {address}");
        }
    }
}

#[test]
fn ranges_of_version_4() {
    let out = [true, true];
    check("0/8", ["", "0.0.0.0", "0.255.255.255", "1.0.0.0"], out);
    check("10/8", ["9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"], out);
    check("100.64/10", ["100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"], out);
    check("127/8", ["126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"], out);
    check(
        "168.63.129.16",
        ["168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"],
        out,
    );
    check("169.254/16", ["169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"], out);
    check("172.16/12", ["172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"], out);
    check("192.0.0/24", ["191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"], out);
    check("192.0.2/24", ["192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"], out);
    check("192.88.99/24", ["192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"], out);
    check("192.168/16", ["192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"], out);
    check("198.18/15", ["198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"], out);
    check(
        "198.51.100/24",
        ["198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"],
        out,
    );
    check("203.0.113/24", ["203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"], out);
    check("224/4", ["223.255.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0"], [true, false]);
    check("240/4", ["239.255.255.255", "240.0.0.0", "255.255.255.255", ""], [false, true]);
}

/// Outside of 2000::/3 nothing is handed out, so the neighbours of a range there are as closed.
#[test]
fn ranges_of_version_6() {
    let (closed, out) = ([false, false], [true, true]);
    check("::/96", ["", "::", "::ffff:ffff", "::1:0:0"], closed);
    check("::1", ["::", "::1", "::1", "::2"], closed);
    check(
        "64:ff9b:1::/48",
        ["64:ff9b:0:ffff::", "64:ff9b:1::808:808", "64:ff9b:1:ffff::", ""],
        closed,
    );
    check("100::/64", ["ff:ffff::", "100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::"], closed);
    let global = "3fff:1000::";
    check("before 2000::/3", ["", "1fff:ffff::", "1fff:ffff:ffff::", "2000::"], out);
    check(
        "2001::/23, with Teredo",
        ["2000:ffff:ffff::", "2001::", "2001:1ff:ffff::", "2001:200::"],
        out,
    );
    check("2001:db8::/32", ["2001:db7:ffff::", "2001:db8::", "2001:db8:ffff::", "2001:db9::"], out);
    check("3fff::/20", ["3ffe:ffff:ffff::", "3fff::", "3fff:fff:ffff::", global], out);
    check("after 2000::/3", ["3fff:ffff:ffff::", "4000::", "5f00::", ""], out);
    check("fc00::/7", ["fbff:ffff::", "fc00::", "fdff:ffff:ffff::", "fe00::"], closed);
    check("fe80::/10", ["fe7f:ffff::", "fe80::", "febf:ffff::", "fec0::"], closed);
    check(
        "ff00::/8",
        ["feff:ffff::", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""],
        closed,
    );
}

#[test]
fn what_carries_an_address_of_version_4_is_as_public_as_that() {
    let check = |carrier: &str, address: &str, expected: bool| {
        assert_eq!(is_public(address.parse().unwrap()), expected, "{carrier}: {address}");
    };
    check("mapped", "::ffff:8.8.8.8", true);
    check("mapped", "::ffff:10.0.0.1", false);
    check("mapped", "::ffff:169.254.169.254", false);
    check("mapped", "::fffe:8.8.8.8", false);
    check("compatible", "::8.8.8.8", false);
    check("translated", "::ffff:0:8.8.8.8", false);
    check("NAT64", "64:ff9b::8.8.8.8", true);
    check("NAT64", "64:ff9b::127.0.0.1", false);
    check("NAT64", "64:ff9b::a9fe:a9fe", false);
    check("NAT64", "64:ff9b::1:808:808", false);
    check("6to4", "2002:808:808::1", true);
    check("6to4", "2002:7f00:1::", false);
    check("6to4", "2002:a9fe:a9fe::1", false);
    check("6to4", "2003::", true);
}

#[test]
fn metadata_services_and_well_known_servers() {
    for address in
        ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "fd20:ce::254"]
    {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
    for address in ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"]
    {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}
