/** What `--help` prints: one screen, the commonest uses first. */

/** The text of `--help`. */
export const HELP = `wg-wrap -c work.conf -- curl http://intranet/     run one command over WireGuard
wg-wrap -c work.conf                               a shell whose only network is the tunnel
wg-wrap -c work -- ssh build                       profile ~/.config/wg-wrap/profiles/work.conf
wg-wrap --no-wait -c work.conf -- ./daemon         don't wait for the first handshake

usage: wg-wrap [OPTIONS] [--] [COMMAND [ARG...]]   no COMMAND: $SHELL
       wg-wrap up [OPTIONS] [NAME] [--foreground]  hold a tunnel without a command
       wg-wrap down [NAME|--all] [--kill]          let go of it; with --kill, end who uses it
       wg-wrap exec NAME [--] [COMMAND [ARG...]]   run in a tunnel that is up, or fail
       wg-wrap status|list [TUNNEL] [--json]       how tunnels are; status -w: live
       wg-wrap wait|logs|show [TUNNEL]             until connected; the engine's log; as wg(8)
       wg-wrap check FILE|NAME [--json]            explain a configuration, start nothing
       wg-wrap device [-f|--foreground] NAME       an interface, as wireguard-go (CAP_NET_ADMIN)

  -c, --config FILE|NAME     a wg-quick file (with a / or ending in .conf), or a profile;
                             default: the profile "default"; also --profile NAME
      --connect-timeout TIME how long to wait for the first handshake (15s); 124 after that
      --no-wait; --strict    run the command at once; refuse one that does its work outside
      --isolate; --mask-dbus a browser gets a profile of its own; hide the host's D-Bus
      --dns ADDR[,ADDR]|none name servers instead of the file's DNS=
      --mtu BYTES            MTU instead of the file's
      --restart              apply a config that changed to the tunnel that runs
      --linger TIME          keep the tunnel that long after its last command (0)
      --ignore-unknown       skip keys of the file that nobody knows, instead of refusing it
  -q, --quiet; -v, --verbose no warnings; notes as well; -V, --version; -h, --help: this

Needs no root. Commands of one config share one tunnel, which ends with the last of them.
Exit status: the command's own; 124 not connected, 125 set-up failed, 126 not executable,
127 not found, 78 bad config, 64 bad usage. More in wg-wrap(1).
`;
