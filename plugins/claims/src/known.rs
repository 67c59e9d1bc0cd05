//! What is known of the world outside a folder: programs, endings of files, units.

/// Programs that no folder brings with it. What they are told is not about the folder.
const OUTSIDE: &str = "\
    7z ab adb alias ansible ansible-playbook apk apt apt-get aptitude arch asdf awk aws az base64 \
    basename bc bg black brew buildah bundle bunx bzip2 cabal cal cargo-binstall cat chmod choco \
    chown clang clang-format cls cmake code composer conda consul cosign cp ctest curl cut dart \
    date df diff dig dir direnv dirname disown dnf doas docker docker-compose dotnet dpkg du echo \
    emacs emerge eopkg eslint eval exit export expr false fg file find flake8 flatpak flox flutter \
    fly flyctl gcc gcloud gdb gem gh ghc git go gradle grep grype guix gzip hash hatch head helm \
    heroku history host htop hugo hyperfine id ifconfig ip isort java javac jest jobs jq k6 kill \
    kubectl less lldb ln logout ls mdbook minikube mise mkdir mkdocs mocha mongosh mount mv mvn \
    mypy mysql nano nc netlify netstat ninja nix nix-env nomad nox npx nslookup oha opam open \
    openssl pacman passwd perf pgrep ping pip pip3 pipenv pipx pkg pkgin pkgman pkill pod podman \
    poetry popd port pre-commit prettier printf ps psql pulumi pushd pwd pytest read readlink \
    realpath redis-cli redis-server rg rm rpm rsync ruff rustc rustup scoop scp sed seq set shift \
    skopeo sleep snap sort sphinx-build sqlite3 sqlplus ss ssh stack start stat strace su \
    subscription-manager swift swupd syft systemctl tail tar tee terraform test timeout top touch \
    tox tr traceroute trivy true tsc type ulimit umask umount unalias uname unset unzip urpmi \
    useradd uv uvx valgrind vault vegeta vercel vi vim vite vitest wasm-tools wasmtime watch wc \
    webpack wget where whereis whoami winget wrangler wrk xbps-install xcodebuild xcrun xdg-open \
    xz yes yum zig zstd zypper";
/// Endings of files that a document names.
const ENDINGS: &str = "\
    adoc avsc bash bat c cc cer cfg cjs clj cmake conf cpp crt cs css csv cue cwasm deb dll dmg \
    dylib ejs env erl ex exe exs fish gif go gql gradle graphql gz h hbs hcl hpp hs html ico ini \
    ipynb jar java jpeg jpg js json json5 jsonl jsx kt kts less lock lua md mdx mjs mk ml msi nix \
    pdf pem php pid pl png properties proto ps1 py pyi rb rpm rs rst sass scala scss sh sock sql \
    svelte svg swift tar tf tgz toml ts tsv tsx txt vue wasm whl wit xml yaml yml zip";
/// Names of files without an ending.
const BARE_FILES: &str = "\
    Makefile GNUmakefile Dockerfile Containerfile Justfile justfile Procfile Vagrantfile \
    Jenkinsfile Gemfile Rakefile LICENSE NOTICE CODEOWNERS";
/// Documents that are written in capitals and are no stand-ins.
const DOCUMENT_STEMS: &str = "\
    README LICENSE LICENCE CHANGELOG CONTRIBUTING ARCHITECTURE SECURITY NOTICE AUTHORS STYLE TODO \
    CODEOWNERS INSTALL HACKING MAINTAINERS SUPPORT AGENTS CLAUDE";
/// Words in capitals that a reader replaces, also where an ending follows.
const BLANKS: &str = "\
    ANY DIR DOC FILE FOLDER HOST ID KEY NAME PATH PORT RUN TARGET URL USER VALUE VERSION YOUR";
/// Products that are written like files.
const PRODUCTS: &str = "\
    node.js next.js nuxt.js vue.js express.js three.js react.js d3.js alpine.js chart.js deno.ts \
    moment.js";
/// Folders that a build makes.
const MADE: &str = "\
    target build dist out node_modules .venv venv __pycache__ .next coverage .cache tmp";
/// Words after a number that count no part of a folder.
const UNITS: &str = "\
    seconds minutes hours days weeks months years times percent things ways reasons cases others \
    ones cores people persons points cents dollars euros nanoseconds microseconds milliseconds \
    ticks cpus degrees pixels hertz users bits attempts tries its has was does less always loses \
    takes gives makes needs keeps shows says goes becomes means comes holds runs calls uses";

pub(crate) fn is_outside(program: &str) -> bool {
    is_in(OUTSIDE, program)
}

pub(crate) fn is_ending(ending: &str) -> bool {
    is_in(ENDINGS, ending)
}

pub(crate) fn is_bare_file(name: &str) -> bool {
    is_in(BARE_FILES, name)
}

pub(crate) fn is_document_stem(stem: &str) -> bool {
    is_in(DOCUMENT_STEMS, stem)
}

pub(crate) fn is_blank_to_fill(stem: &str) -> bool {
    is_in(BLANKS, stem)
}

pub(crate) fn is_product(name: &str) -> bool {
    is_in(PRODUCTS, &name.to_ascii_lowercase())
}

pub(crate) fn is_made(folder: &str) -> bool {
    is_in(MADE, folder)
}

pub(crate) fn is_unit(noun: &str) -> bool {
    is_in(UNITS, noun) || noun.ends_with("ss") || noun.ends_with("us") || noun.ends_with("is")
}

/// A list of words costs a line of source for each as an array, and reads badly.
fn is_in(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}
