//! Arguments of the control plane: keys, people, tenants, audit, tokens, logins.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

pub(crate) const LOGIN_EXAMPLES: &str = "\
The key is read from WFORGE_API_KEY or from stdin; never from an argument, which others can see.

Examples:
  wforge login https://forge.example < key.txt
  wforge login https://forge.example --name prod --ca-file ca.pem < key.txt
  wforge --context prod runs list";

/// Whose keys, people or log; of a server's platform only where it is another tenant's.
#[derive(Debug, Args)]
pub(crate) struct Whose {
    /// The tenant; another one than your own needs the role platform [default: your own]
    #[arg(long)]
    pub(crate) tenant: Option<String>,
}

/// `wforge keys …`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make an API key; it is shown once and only an HMAC of it is kept
    #[command(after_help = "Examples:\n  export WFORGE_API_KEY=$(wforge keys add ci)\n  \
        wforge keys add exporter --service --scope runs:read --scope audit:read --ttl 90d")]
    Add(KeyAdd),
    /// List the keys, without their secrets
    #[command(after_help = "Example:\n  wforge keys list --tenant acme")]
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Put a new key in the place of another, which works on for a while
    #[command(after_help = "Example:\n  wforge keys rotate 3f9a01c2d4e5 --overlap 1h")]
    Rotate {
        /// The key's id
        id: String,
        /// How long the old one works on
        #[arg(long, default_value = "24h", value_name = "DURATION")]
        overlap: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Revoke a key: it is unknown at once
    #[command(after_help = "Example:\n  wforge keys revoke 3f9a01c2d4e5", alias = "remove")]
    Revoke {
        /// The key's id
        id: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Print a new key that nothing knows yet, such as for auth.bootstrap_key_file
    #[command(after_help = "Example:\n  (umask 077; wforge keys generate > bootstrap.key)")]
    Generate,
}

/// `wforge keys add`.
#[derive(Debug, Args)]
pub(crate) struct KeyAdd {
    /// How logs and audit call it
    #[arg(default_value = "cli")]
    pub(crate) name: String,
    /// viewer, operator, developer, admin or platform
    #[arg(long, default_value = "developer")]
    pub(crate) role: String,
    /// What it is narrowed to, such as runs:read; can be given several times [default: its role]
    #[arg(long = "scope", value_name = "NOUN:read|write")]
    pub(crate) scopes: Vec<String>,
    /// It is held by another service; such a key names its scopes
    #[arg(long)]
    pub(crate) service: bool,
    /// How long it is valid, such as 90d [default: until it is revoked]
    #[arg(long, value_name = "DURATION")]
    pub(crate) ttl: Option<String>,
    #[command(flatten)]
    pub(crate) whose: Whose,
}

/// `wforge members …`.
#[derive(Debug, Subcommand)]
pub(crate) enum MembersCommand {
    /// Add a person by the subject of their tokens, or change their role
    #[command(after_help = "Example:\n  wforge members add auth0|5f7c --role operator")]
    Add {
        /// The subject, as the identity provider writes it in `sub`
        subject: String,
        /// viewer, operator, developer or admin
        #[arg(long, default_value = "viewer")]
        role: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// List the people
    #[command(after_help = "Example:\n  wforge members list --tenant acme")]
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Remove a person: their tokens are refused at once
    #[command(after_help = "Example:\n  wforge members remove auth0|5f7c")]
    Remove {
        /// The subject
        subject: String,
        #[command(flatten)]
        whose: Whose,
    },
}

/// `wforge secrets …`.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Set a secret, or a new version of it; its value comes from stdin or a file
    #[command(after_help = "Examples:\n  \
        wforge secrets set github --host api.github.com < token.txt\n  \
        pass show mail | wforge secrets set mail --host '*.mail.example' -\n  \
        wforge secrets set db --from-file db.key")]
    Set(SecretSet),
    /// List the secrets: names, versions, times and hosts
    #[command(after_help = "Example:\n  wforge secrets list --tenant acme")]
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Remove a secret with all of its values
    #[command(after_help = "Example:\n  wforge secrets remove github")]
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        whose: Whose,
    },
}

/// `wforge secrets set`.
#[derive(Debug, Args)]
pub(crate) struct SecretSet {
    /// Its name, as grants write it: secret:NAME:hold
    pub(crate) name: String,
    /// A line with the value [default: stdin]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) from_file: Option<PathBuf>,
    /// `-` says stdin, which is the default
    #[arg(value_name = "-", value_parser = ["-"], conflicts_with = "from_file")]
    pub(crate) stdin: Option<String>,
    /// Where the host may send it: api.example.com, *.example.com, http://10.0.0.7:8080; can be
    /// given several times [default: as before, at first nowhere]
    #[arg(long = "host", value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
    #[command(flatten)]
    pub(crate) whose: Whose,
}

/// `wforge tenants …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TenantsCommand {
    /// Make a tenant
    #[command(after_help = "Example:\n  wforge tenants create acme --quota runs_per_day_max=500")]
    Create {
        /// Small letters, digits and -
        tenant: String,
        /// A quota other than for all, such as storage_bytes_max=1000000000
        #[arg(long = "quota", value_name = "NAME=NUMBER")]
        quotas: Vec<String>,
    },
    /// List all tenants
    #[command(after_help = "Example:\n  wforge tenants list --output json")]
    List,
    /// Show a tenant with its quotas and what it uses
    #[command(after_help = "Example:\n  wforge tenants show acme")]
    Show {
        /// Its name
        tenant: String,
    },
    /// Refuse its credentials and have its runs stand still
    #[command(after_help = "Example:\n  wforge tenants suspend acme")]
    Suspend {
        /// Its name
        tenant: String,
    },
    /// Let a suspended tenant and its runs go on
    #[command(after_help = "Example:\n  wforge tenants resume acme")]
    Resume {
        /// Its name
        tenant: String,
    },
    /// Say what it may use other than all may; without a quota: nothing
    #[command(after_help = "Example:\n  wforge tenants quotas acme --quota runs_live_max=10")]
    Quotas {
        /// Its name
        tenant: String,
        /// All of its own quotas, such as cpu_seconds_per_day_max=3600; mock=off, node, fallback or
        /// always says whom mocks may replace in its runs
        #[arg(long = "quota", value_name = "NAME=NUMBER")]
        quotas: Vec<String>,
    },
    /// Say which plugins of the platform it may use, all of them
    #[command(after_help = "Example:\n  wforge tenants plugins acme wforge/digest wforge/scan")]
    Plugins {
        /// Its name
        tenant: String,
        /// publisher/name
        plugins: Vec<String>,
    },
    /// Remove a tenant with everything that it has; there is no way back
    #[command(after_help = "Example:\n  wforge export --tenant acme --to acme.ndjson\n  \
                            wforge tenants erase acme --confirm acme")]
    Erase {
        /// Its name
        tenant: String,
        /// The name once more
        #[arg(long)]
        confirm: String,
    },
}

/// `wforge audit …`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List who changed what, the oldest first
    #[command(after_help = "Examples:\n  wforge audit list --tenant acme\n  \
                            wforge audit list --tenant platform")]
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Check that nothing was changed or taken out; exit 1 where something was
    #[command(after_help = "Examples:\n  wforge audit verify\n  \
                            wforge audit verify --noted 41:9f2b…   # as an earlier check said it")]
    Verify {
        /// PLACE:HASH that was noted earlier: shows what was cut off or written anew since
        #[arg(long, value_name = "PLACE:HASH")]
        noted: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
}

/// `wforge export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) whose: Whose,
    /// The file [default: stdout]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) to: Option<PathBuf>,
}

/// `wforge token …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Take back every token of a tenant that was issued until now
    #[command(after_help = "Example:\n  wforge token revoke-all --tenant acme")]
    RevokeAll {
        #[command(flatten)]
        whose: Whose,
    },
    /// Make a token by HS256 with auth.jwt_secret
    #[command(after_help = "Example:\n  wforge token mint --subject ann --tenant acme --role \
                            operator --ttl 15m")]
    Mint {
        /// Who it speaks for
        #[arg(long)]
        subject: String,
        /// Whose data it reaches
        #[arg(long, default_value = "default")]
        tenant: String,
        /// viewer, operator, developer or admin [default: as the tenant's members say]
        #[arg(long)]
        role: Option<String>,
        /// How long it is valid; at most auth.jwt_ttl_s_max
        #[arg(long, default_value = "15m", value_name = "DURATION")]
        ttl: String,
    },
}

/// `wforge login`.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// The server's address
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// How this login is called
    #[arg(long, default_value = "default")]
    pub(crate) name: String,
    /// Certificates to trust for it, PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ca_file: Option<PathBuf>,
}

/// `wforge context …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// List the servers that you logged in to
    #[command(after_help = "Example:\n  wforge context list")]
    List,
    /// Choose the one that commands go to; `none`: this machine's own data directory
    #[command(after_help = "Example:\n  wforge context use prod")]
    Use {
        /// Its name, or none
        name: String,
    },
    /// Forget one, with its key
    #[command(after_help = "Example:\n  wforge context remove prod")]
    Remove {
        /// Its name
        name: String,
    },
}
