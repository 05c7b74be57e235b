import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLIENT_SETTINGS } from '../src/config/client-settings.ts'
import { PEER_FLAGS } from '../src/config/peer-settings.ts'
import type { ConfigSources, Flags } from '../src/config/sources.ts'
import { type PeerConfig, readClientConfig, readPeerConfig } from '../src/config.ts'
import { useTempDirs } from './support/temp-dirs.ts'

const SECRET = 'k7Qm0000111122223333'

/** Sources with nothing but these variables and files. */
function sources(env: Record<string, string> = {}, files: Record<string, string> = {}): ConfigSources {
  return {
    env,
    cwd: '/cwd',
    home: () => '/home/ann',
    readFile: path => {
      const text = files[path]
      if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' })
      return text
    }
  }
}
const peer = (flags: Flags = {}, env: Record<string, string> = {}, files: Record<string, string> = {}): PeerConfig =>
  readPeerConfig(flags, sources(env, files)).config

describe('the configuration of a peer', () => {
  it('has these defaults', () => {
    assert.deepEqual(peer(), {
      name: null,
      data: '/home/ann/.local/share/cares',
      http: { host: '127.0.0.1', port: 7070 },
      publishHost: null,
      listen: ['/ip4/0.0.0.0/tcp/4001'],
      announce: [],
      bootstrap: [],
      open: false,
      secret: null,
      runtime: 'docker',
      work: true,
      cpus: null,
      memoryBytes: null,
      taskStoreUrl: null,
      taskRoomBytes: 4 * 2 ** 30,
      llc: 'auto',
      usdPerHour: 0,
      strategy: 'cost',
      calibrate: true,
      labels: {},
      preset: 'lan',
      tokens: [],
      hostNames: [],
      alerts: {},
      alertWebhook: null,
      alertSecret: null,
      traceEndpoint: null,
      traceRatio: 1,
      dockerHost: null,
      dockerConfig: null,
      logLevel: 'info',
      logFormat: 'pretty',
      logLevelLibp2p: 'error'
    })
  })

  const everything: PeerConfig = {
    name: 'elm',
    data: '/srv/cares',
    http: { host: '0.0.0.0', port: 8080 },
    publishHost: '10.0.0.1',
    listen: ['/ip4/10.0.0.1/tcp/4001', '/ip4/10.0.0.2/tcp/4001'],
    announce: ['/dns4/elm.example/tcp/4001'],
    bootstrap: [`/ip4/10.0.0.5/tcp/4001/p2p/12D3KooWA#${SECRET}`],
    open: false,
    secret: SECRET,
    runtime: 'process',
    work: false,
    cpus: 2.5,
    memoryBytes: 4 * 2 ** 30,
    taskStoreUrl: 'postgres://cares@db/tasks',
    taskRoomBytes: 2 ** 30,
    llc: 'off',
    usdPerHour: 0.12,
    strategy: 'load-balanced',
    calibrate: false,
    labels: { gpu: 'yes', 'site/room': '4=b' },
    preset: 'wan',
    tokens: ['token-one', 'token-two'],
    hostNames: ['cares.example', 'elm.example'],
    alerts: { disk_low: 0.8, cpu_high: 'off' },
    alertWebhook: 'https://hooks.example/x?y=1',
    alertSecret: SECRET,
    traceEndpoint: 'http://10.0.0.7:4318',
    traceRatio: 0.25,
    dockerHost: null,
    dockerConfig: null,
    logLevel: 'debug',
    logFormat: 'json',
    logLevelLibp2p: 'error'
  }
  const files = { '/srv/secret': `${SECRET}\n`, '/srv/tokens': '# two of them\ntoken-one\n\ntoken-two\n' }

  it('can be given whole by flags', () => {
    const flags = {
      name: 'elm',
      data: '/srv/cares',
      http: '0.0.0.0:8080',
      publishHost: '10.0.0.1',
      listen: everything.listen,
      announce: everything.announce,
      bootstrap: everything.bootstrap,
      secretFile: '/srv/secret',
      runtime: 'process',
      work: false,
      cpus: '2.5',
      memory: '4Gi',
      taskStore: 'postgres',
      taskStoreUrl: 'postgres://cares@db/tasks',
      taskRoom: '1Gi',
      llc: 'off',
      price: '0.12',
      strategy: 'load-balanced',
      calibrate: false,
      label: ['gpu=yes', 'site/room=4=b'],
      preset: 'wan',
      tokenFile: '/srv/tokens',
      allowHost: ['Cares.Example'],
      alert: ['disk_low=0.8', 'cpu_high=off'],
      alertWebhook: 'https://hooks.example/x?y=1',
      alertSecretFile: '/srv/secret',
      traceEndpoint: 'http://10.0.0.7:4318',
      traceRatio: '0.25',
      logLevel: 'debug',
      logFormat: 'json',
      logLibp2p: 'error'
    }
    assert.deepEqual(peer(flags, {}, files), everything)
  })

  it('can be given whole by the environment', () => {
    const env = {
      CARES_NAME: 'elm',
      CARES_DATA: '/srv/cares',
      CARES_HTTP: '0.0.0.0:8080',
      CARES_PUBLISH_HOST: '10.0.0.1',
      CARES_LISTEN: '/ip4/10.0.0.1/tcp/4001, /ip4/10.0.0.2/tcp/4001',
      CARES_ANNOUNCE: '/dns4/elm.example/tcp/4001',
      CARES_BOOTSTRAP: everything.bootstrap.join(),
      CARES_SECRET: SECRET,
      CARES_OPEN: '0',
      CARES_RUNTIME: 'process',
      CARES_WORK: 'no',
      CARES_CPUS: '2.5',
      CARES_MEMORY: '4Gi',
      CARES_TASK_STORE: 'postgres',
      CARES_TASK_STORE_URL: 'postgres://cares@db/tasks',
      CARES_TASK_ROOM: '1Gi',
      CARES_LLC: 'off',
      CARES_PRICE: '.12',
      CARES_STRATEGY: 'load-balanced',
      CARES_CALIBRATE: 'false',
      CARES_LABEL: 'gpu=yes,site/room=4=b',
      CARES_PRESET: 'wan',
      CARES_TOKEN_FILE: '/srv/tokens',
      CARES_ALLOW_HOST: 'cares.example',
      CARES_ALERT: 'disk_low=0.8,cpu_high=off',
      CARES_ALERT_WEBHOOK: 'https://hooks.example/x?y=1',
      CARES_ALERT_SECRET_FILE: '/srv/secret',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://10.0.0.7:4318',
      CARES_TRACE_RATIO: '.25',
      DOCKER_HOST: 'tcp://10.0.0.9:2375',
      DOCKER_CONFIG: '/srv/docker',
      CARES_LOG_LEVEL: 'debug',
      CARES_LOG_FORMAT: 'json',
      CARES_LOG_LIBP2P: 'error'
    }
    assert.deepEqual(peer({}, env, files), { ...everything, dockerHost: 'tcp://10.0.0.9:2375', dockerConfig: '/srv/docker' })
  })

  it('can be given whole by a file, with paths relative to it', () => {
    const text = [
      'name: elm',
      'data: cares # beside this file',
      'http: 0.0.0.0:8080',
      'publish-host: 10.0.0.1',
      'listen: [/ip4/10.0.0.1/tcp/4001, /ip4/10.0.0.2/tcp/4001]',
      'announce: /dns4/elm.example/tcp/4001',
      `bootstrap: ["${everything.bootstrap[0]}"]`,
      'secret-file: secret',
      'open: false',
      'runtime: process',
      'work: no',
      'cpus: 2.5',
      'memory: 4Gi',
      'task-store: postgres',
      'task-store-url: postgres://cares@db/tasks',
      'task-room: 1Gi',
      'llc: off',
      'price: 0.12',
      'strategy: load-balanced',
      'calibrate: no',
      'label: { gpu: "yes", site/room: 4=b }',
      'preset: wan',
      'token-file: ./tokens',
      'allow-host: cares.example',
      'alert: { disk_low: 0.8, cpu_high: off }',
      'alert-webhook: https://hooks.example/x?y=1',
      'alert-secret-file: secret',
      'trace-endpoint: http://10.0.0.7:4318',
      'trace-ratio: 0.25',
      'docker-host: unix:///run/docker.sock',
      'docker-config: docker',
      'log-level: debug',
      'log-format: json',
      'log-libp2p: error',
      'api: http://elsewhere:7070 # for clients',
      'output:'
    ].join('\n')
    const config = peer({ config: '/srv/peer.yaml' }, {}, { ...files, '/srv/peer.yaml': text })
    assert.deepEqual(config, { ...everything, dockerHost: 'unix:///run/docker.sock', dockerConfig: '/srv/docker' })
  })

  it('is frozen to its last leaf, and can be cloned', () => {
    const config = peer({ label: ['a=b'] })
    assert.deepEqual(structuredClone(config), config)
    for (const part of [config, config.http, config.listen, config.labels]) assert.ok(Object.isFrozen(part))
  })

  it('takes each value from its strongest source, and knows which that was', () => {
    const all = {
      '/cwd/named.yaml': 'cpus: 3\nname: named\nprice: 3\npreset: wan\n',
      '/cwd/cares.yaml': '# mine\ncpus: 4\nname: here\nprice: 4\nlog-level: error\n',
      '/home/ann/.config/cares/config.yaml': 'cpus: 5\nname: user\nlog-level: warn\nlog-format: json\n'
    }
    const { config, origins } = readPeerConfig(
      { cpus: '1', config: 'named.yaml' },
      sources({ CARES_CPUS: '2', CARES_NAME: 'env', CARES_PRICE: '' }, all)
    )
    const { cpus, name, usdPerHour, logLevel, logFormat } = config
    assert.deepEqual([cpus, name, usdPerHour, logLevel, logFormat], [1, 'env', 3, 'error', 'json'])
    const from = Object.fromEntries(origins.map(({ name, value, from }) => [name, `${value} ${from}`]))
    assert.equal(from['cpus'], '1 flag --cpus')
    assert.equal(from['name'], 'env env CARES_NAME')
    assert.equal(from['price'], '3 named.yaml:3')
    assert.equal(from['log-level'], 'error ./cares.yaml:5')
    assert.equal(from['log-format'], 'json /home/ann/.config/cares/config.yaml:4')
    assert.equal(from['runtime'], 'docker default')
    assert.equal(from['data'], '/home/ann/.local/share/cares default')
  })

  it('never shows a secret among the origins or in an error', () => {
    const { origins } = readPeerConfig({}, sources({ CARES_SECRET: SECRET }))
    assert.ok(!JSON.stringify(origins).includes(SECRET))
    assert.throws(
      () => peer({}, { CARES_SECRET: 'short-one' }),
      ({ message }: Error) => !message.includes('short-one') && message.includes('CARES_SECRET')
    )
  })

  it('does not take the true that commander holds for a flag that only denies', () => {
    assert.equal(peer({ work: true }, { CARES_WORK: 'false' }).work, false)
  })

  it('finds data and files where XDG says, and ignores paths there that are not absolute', () => {
    assert.equal(peer({}, { XDG_DATA_HOME: '/xdg' }).data, '/xdg/cares')
    assert.equal(peer({}, { XDG_DATA_HOME: 'xdg' }).data, '/home/ann/.local/share/cares')
    assert.equal(peer({}, { XDG_CONFIG_HOME: '/xdg' }, { '/xdg/cares/config.yaml': 'name: x1' }).name, 'x1')
    assert.equal(peer({ data: 'here' }).data, '/cwd/here')
    assert.equal(peer({}, { CARES_DATA: '~/d' }).data, '/home/ann/d')
  })

  it('does without a home directory when the data has another place', () => {
    const homeless = {
      ...sources(),
      home: () => {
        throw new Error('no entry in the user database')
      }
    }
    assert.equal(readPeerConfig({ data: '/data' }, homeless).config.data, '/data')
    assert.throws(() => readPeerConfig({}, homeless), { code: 'invalid', hint: /--data/ })
  })

  it('reads real files by default', () => {
    const cwd = tempDir()
    mkdirSync(join(cwd, 'sub'))
    writeFileSync(join(cwd, 'cares.yaml'), 'name: real\n')
    assert.equal(readPeerConfig({}, { cwd, env: {}, home: () => cwd }).config.name, 'real')
    assert.equal(readPeerConfig({}, { cwd: join(cwd, 'sub'), env: {}, home: () => cwd }).config.name, null)
  })
  const tempDir = useTempDirs()

  describe('understands', () => {
    const hosts: readonly (readonly [text: string, host: string, port: number])[] = [
      ['0.0.0.0:80', '0.0.0.0', 80],
      ['[::]:7070', '::', 7070],
      ['[::1]:0', '::1', 0],
      ['elm.local:7070', 'elm.local', 7070],
      [':7171', '127.0.0.1', 7171],
      ['7171', '127.0.0.1', 7171]
    ]
    for (const [text, host, port] of hosts) {
      it(`--http ${text} as port ${port} of ${host}`, () => assert.deepEqual(peer({ http: text }).http, { host, port }))
    }
    it('YAML numbers where text would do', () => {
      const { http, memoryBytes, cpus } = peer({}, {}, { '/cwd/cares.yaml': 'http: 7171\nmemory: 1048576\ncpus: "2"\n' })
      assert.deepEqual([http.port, memoryBytes, cpus], [7171, 2 ** 20, 2])
    })
    it('an empty variable as none', () => assert.equal(peer({}, { CARES_NAME: '' }).name, null))
    it('a flag, whatever an empty CARES_BOOTSTRAP was to say', () => {
      const id = '/ip4/10.0.0.5/tcp/4001'
      assert.deepEqual(peer({ bootstrap: [id] }, { CARES_BOOTSTRAP: '' }).bootstrap, [id])
    })
    it('an empty file, and one with only a comment', () => {
      for (const text of ['', '# nothing\n', '---\n', 'null\n', '{}']) assert.equal(peer({}, {}, { '/cwd/cares.yaml': text }).name, null)
    })
  })

  describe('refuses', () => {
    const wrong: readonly (readonly [claim: string, flags: Flags, env: Record<string, string>, message: RegExp])[] = [
      [
        'a cluster id that did not come: a new cluster would be founded in silence',
        {},
        { CARES_BOOTSTRAP: '' },
        /env CARES_BOOTSTRAP is empty/
      ],
      ['a port that is none', { http: '1.2.3.4:70707' }, {}, /^flag --http: must be HOST:PORT/],
      ['a host without a port', { http: 'elm.local' }, {}, /^flag --http: must be HOST:PORT/],
      ['cores of nothing', { cpus: '0' }, {}, /^flag --cpus: must be a number above 0.* \(it is "0"\)$/],
      ['cores that are no number', {}, { CARES_CPUS: 'two' }, /^env CARES_CPUS: must be a number above 0/],
      ['a size without a unit that exists', { memory: '4GiB!' }, {}, /^flag --memory: not a size: "4GiB!"; write a size like 64Mi/],
      ['a task store without a database', { taskStore: 'postgres' }, {}, /^flag --task-store wants a database/],
      ['a database without its store', { taskStoreUrl: 'postgres://h/d' }, {}, /^flag --task-store-url names a database/],
      ['a password among the arguments', { taskStore: 'postgres', taskStoreUrl: 'postgres://u:pw@h/d' }, {}, /PGPASSWORD/],
      ['a database of another kind', { taskStore: 'postgres', taskStoreUrl: 'mysql://u:pw@h/d' }, {}, /^flag --task-store-url: must be/],
      ['a price below 0', { price: '-1' }, {}, /^flag --price: must be a number from 0/],
      [
        'a runtime that it has not',
        {},
        { CARES_RUNTIME: 'podman' },
        /^env CARES_RUNTIME: must be one of docker, process \(it is "podman"\)/
      ],
      ['a use of the cache that there is not', { llc: 'on' }, {}, /^flag --llc: must be one of auto, off/],
      ['a strategy that there is not', { strategy: 'fastest' }, {}, /^flag --strategy: must be one of cost, greedy, round-robin, /],
      ['a switch that is neither on nor off', {}, { CARES_OPEN: 'maybe' }, /^env CARES_OPEN: must be true or false/],
      ['a name for nobody', { name: 'My Peer' }, {}, /^flag --name: must be 1 to 63 of a-z/],
      [
        'an address that is no multiaddr',
        { listen: ['0.0.0.0:4001'] },
        {},
        /^flag --listen: must be a multiaddr like .* \(it is "0\.0\.0\.0:4001"\)$/
      ],
      [
        'a second address that is none',
        {},
        { CARES_ANNOUNCE: '/ip4/1.2.3.4/tcp/1,elm' },
        /^env CARES_ANNOUNCE: number 2 must be a multiaddr .* \(it is "elm"\)$/
      ],
      ['an address that nobody can dial', { announce: ['/ip4/0.0.0.0/tcp/4001'] }, {}, /^flag --announce: nobody can dial/],
      [
        'a bootstrap that is no cluster id',
        { bootstrap: ['10.0.0.5'] },
        {},
        /^flag --bootstrap: must be a cluster id, .* \(it is "10\.0\.0\.5"\)$/
      ],
      ['a label without a value', { label: ['gpu'] }, {}, /^flag --label: must be key=value/],
      ['a label with a strange key', { label: ['-=x'] }, {}, /^flag --label: - the name must be 1 to 63 letters/],
      ['more addresses than are useful', { listen: Array.from({ length: 17 }, () => '/ip4/1.2.3.4/tcp/1') }, {}, /at most 16/],
      ['an open cluster with a secret', { open: true }, { CARES_SECRET: SECRET }, /^flag --open and env CARES_SECRET contradict/],
      [
        'an open cluster that it joins by a secret',
        { open: true, bootstrap: [`/ip4/1.2.3.4/tcp/1#${SECRET}`] },
        {},
        /flag --open and the secret in flag --bootstrap/
      ],
      [
        'two secrets',
        { bootstrap: ['/ip4/1.2.3.4/tcp/1#another'] },
        { CARES_SECRET: SECRET },
        /CARES_SECRET and another secret in flag --bootstrap/
      ],
      ['a secret and a secret file of equal rank', {}, { CARES_SECRET: SECRET, CARES_SECRET_FILE: '/s' }, /contradict each other/],
      ['a secret that is too short', {}, { CARES_SECRET: '123456789012345' }, /a secret has 16 to 256/],
      ['a secret file that is not there', { secretFile: 'nowhere' }, {}, /^cannot read the secret file \/cwd\/nowhere/],
      ['a token file that is not there', { tokenFile: '/nowhere' }, {}, /^cannot read the token file \/nowhere/],
      ['a configuration file that is not there', { config: 'nowhere.yaml' }, {}, /^cannot read the configuration file nowhere\.yaml/],
      ['one that the environment names', {}, { CARES_CONFIG: '/nowhere.yaml' }, /^cannot read the configuration file \/nowhere\.yaml/]
    ]
    for (const [claim, flags, env, message] of wrong) {
      it(claim, () => assert.throws(() => peer(flags, env), { name: 'CaresError', code: 'invalid', message }))
    }

    it('a token file with nothing in it, or with what is no token', () => {
      assert.throws(() => peer({ tokenFile: '/t' }, {}, { '/t': '# none yet\n' }), { code: 'invalid', message: /no token/ })
      assert.throws(() => peer({ tokenFile: '/t' }, {}, { '/t': 'token-one\nshort\n' }), { code: 'invalid', message: /token 2/ })
    })

    const files: readonly (readonly [claim: string, text: string, message: RegExp, hint: RegExp | undefined])[] = [
      ['an unknown key', 'name: x\nmemroy: 4Gi\n', /^\.\/cares\.yaml:2:1: memroy: unknown setting$/, /^did you mean memory\?$/],
      [
        'a key like none that there is',
        'zzzzzz: 1',
        /^\.\/cares\.yaml:1:1: zzzzzz: unknown setting$/,
        /^the settings are alert, alert-secret-file, /
      ],
      ['a key of every object', 'constructor: 1', /constructor: unknown setting/, undefined],
      ['a secret among other settings', `secret: ${SECRET}`, /^\.\/cares\.yaml:1:1: secret: does not belong/, /secret-file/],
      ['a value that is not allowed', 'name: x\ncpus:   lots\n', /^\.\/cares\.yaml:2:9: cpus: must be a number above 0/, undefined],
      ['text that YAML takes for a number', 'name: 007', /^\.\/cares\.yaml:1:7: name: must be text/, undefined],
      ['what is no YAML', 'name: [x\nopen: true\n', /^\.\/cares\.yaml:\d:\d+: /, undefined],
      ['a key twice', 'name: x\nname: y\n', /^\.\/cares\.yaml:2:1: .*unique/, undefined],
      ['a list', '- name\n', /^\.\/cares\.yaml:1:1: must be a map/, undefined]
    ]
    for (const [claim, text, message, hint] of files) {
      it(`a file with ${claim}, and says where`, () => {
        assert.throws(
          () => peer({}, {}, { '/cwd/cares.yaml': text }),
          (error: Error & { code: string; hint?: string }) => {
            assert.equal(error.code, 'invalid')
            assert.match(error.message, message)
            if (hint !== undefined) assert.match(error.hint ?? '', hint)
            return true
          }
        )
      })
    }
  })

  describe('warns', () => {
    const warnings = (flags: Flags, env: Record<string, string> = {}): readonly string[] =>
      readPeerConfig(flags, sources(env, { '/t': 'token-one' })).warnings

    it('when the API is open to others without a token', () => {
      assert.match(warnings({ http: '0.0.0.0:7070' })[0] ?? '', /without a token/)
      assert.match(warnings({ http: '127.evil.example:7070' })[0] ?? '', /without a token/)
      for (const http of ['127.0.0.1:7070', 'localhost:1', '[::1]:1']) assert.deepEqual(warnings({ http }), [], http)
      assert.deepEqual(warnings({ http: '0.0.0.0:7070', tokenFile: '/t' }), [])
    })

    it('of a variable that is nearly one, and not of those that orchestrators set', () => {
      assert.deepEqual(warnings({}, { CARES_BOOTSTAP: 'x', CARES_PORT_7070_TCP_ADDR: '10.0.0.1', PATH: '/bin' }), [
        'CARES_BOOTSTAP is not a setting; did you mean CARES_BOOTSTRAP?'
      ])
    })
  })
})

describe('the configuration of a client', () => {
  const client = (flags: Flags = {}, env: Record<string, string> = {}, files: Record<string, string> = {}) =>
    readClientConfig(flags, sources(env, files)).config

  it('has these defaults', () => {
    const defaults = {
      api: 'http://127.0.0.1:7070',
      token: null,
      output: 'table',
      color: 'auto',
      verbose: false,
      quiet: false,
      readOnly: false,
      unicode: false,
      screenReader: false
    }
    assert.deepEqual(client(), defaults)
  })

  it('leaves flags of commands alone that are named like settings of a peer', () => {
    assert.equal(client({ data: '@file', memory: 'nonsense', name: 42 }).api, 'http://127.0.0.1:7070')
  })

  for (const [text, url] of [
    ['elm:7070', 'http://elm:7070'],
    ['http://elm:7070/', 'http://elm:7070'],
    ['https://elm.example/cares/', 'https://elm.example/cares'],
    ['[::1]:7070', 'http://[::1]:7070']
  ] as const) {
    it(`takes ${text} for ${url}`, () => assert.equal(client({ api: text }).api, url))
  }
  for (const text of ['ftp://elm', 'http://', 'http://elm?x=1', 'http://user:pass@elm']) {
    it(`refuses ${text} as the URL of an API`, () =>
      assert.throws(() => client({}, { CARES_API: text }), { code: 'invalid', message: /^env CARES_API: must be a URL/ }))
  }

  it('takes the token from the strongest source', () => {
    const files = { '/t': 'from-file\nsecond-one\n', '/cwd/cares.yaml': 'token-file: /t' }
    assert.equal(client({ tokenFile: '/t' }, { CARES_TOKEN: 'from-env' }, files).token, 'from-file')
    assert.equal(client({}, { CARES_TOKEN: 'from-env' }, files).token, 'from-env')
    assert.equal(client({}, {}, files).token, 'from-file')
    assert.throws(() => client({}, { CARES_TOKEN: 'from-env', CARES_TOKEN_FILE: '/t' }, files), { code: 'invalid' })
  })

  it('takes --json for --output json, and not both when they differ', () => {
    assert.equal(client({ json: true }, { CARES_OUTPUT: 'yaml' }).output, 'json')
    assert.equal(client({ json: true, output: 'json' }).output, 'json')
    assert.throws(() => client({ json: true, output: 'yaml' }), { code: 'invalid', message: /--json and --output yaml/ })
  })

  it('follows what programs have agreed on about colour, unless told otherwise', () => {
    const cases: readonly (readonly [Flags, Record<string, string>, string])[] = [
      [{}, { NO_COLOR: '1' }, 'never'],
      [{}, { NO_COLOR: '', FORCE_COLOR: '1' }, 'always'],
      [{}, { FORCE_COLOR: '0' }, 'never'],
      [{}, { TERM: 'dumb' }, 'never'],
      [{}, { NO_COLOR: '1', CARES_COLOR: 'always' }, 'always'],
      [{ color: 'auto' }, { NO_COLOR: '1' }, 'auto']
    ]
    for (const [flags, env, color] of cases) assert.equal(client(flags, env).color, color, JSON.stringify(env))
  })

  it('lets the stronger of verbose and quiet win, and refuses both from one source', () => {
    const { verbose, quiet } = client({ quiet: true }, { CARES_VERBOSE: '1' })
    assert.deepEqual([verbose, quiet], [false, true])
    assert.throws(() => client({ quiet: true, verbose: true }), { code: 'invalid', message: /--verbose and flag --quiet/ })
  })

  it('sees from the locale whether a terminal shows more than ASCII', () => {
    assert.equal(client({}, { LANG: 'en_GB.UTF-8' }).unicode, true)
    assert.equal(client({}, { LANG: 'en_GB.UTF-8', LC_ALL: 'C' }).unicode, false)
  })
})

describe('the tables of settings', () => {
  it('name each setting alike in flag, variable and file', () => {
    for (const { name, flags, env } of [...PEER_FLAGS, ...Object.values(CLIENT_SETTINGS)]) {
      if (flags !== null) assert.match(flags, new RegExp(`^(-[a-z], )?--(no-)?${name}( <[A-Z_:=]+>)?$`))
      // These names are other programs' too.
      if (!['DOCKER_HOST', 'DOCKER_CONFIG', 'OTEL_EXPORTER_OTLP_ENDPOINT'].includes(env))
        assert.equal(env, `CARES_${name.toUpperCase().replaceAll('-', '_')}`)
    }
  })

  it('describe a setting that peer and client share by the same flag', () => {
    const client = new Map(Object.values(CLIENT_SETTINGS).map(({ name, flags, env }) => [name, { flags, env }]))
    const shared = PEER_FLAGS.filter(({ name }) => client.has(name))
    assert.ok(shared.length > 0)
    for (const { name, flags, env } of shared) assert.deepEqual(client.get(name), { flags, env })
  })

  it('show a default text that is true', () => {
    const { origins } = readPeerConfig({}, sources())
    const value = (name: string): string | undefined => origins.find(origin => origin.name === name)?.value
    const { listen, http, runtime, strategy, preset, logLevel, logFormat, logLevelLibp2p } = peer()
    assert.deepEqual(
      [
        value('listen'),
        value('http'),
        value('runtime'),
        value('strategy'),
        value('preset'),
        value('log-level'),
        value('log-format'),
        value('log-libp2p')
      ],
      [listen.join(), `${http.host}:${http.port}`, runtime, strategy, preset, logLevel, logFormat, logLevelLibp2p]
    )
  })
})
