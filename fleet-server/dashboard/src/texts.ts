/** Every word of the page, in one place. Functions where a word depends on a figure. */
const plural = (n: number, one: string, many: string): string =>
  `${n.toLocaleString()} ${n === 1 ? one : many}`;
const devices = (n: number): string => plural(n, 'device', 'devices');

export const texts = {
  product: 'Ringfleet',
  skip: 'Skip to the content',
  loading: 'Loading',
  retry: 'Try again',
  none: '–',

  time: {
    now: 'just now',
    secondsAgo: (n: number) => `${n} s ago`,
    minutesAgo: (n: number) => `${n} min ago`,
    hoursAgo: (n: number) => `${n} h ago`,
    daysAgo: (n: number) => plural(n, 'day ago', 'days ago'),
    never: 'never',
  },

  live: {
    connecting: 'Connecting',
    live: 'Live',
    liveHint: 'Changes appear here by themselves.',
    reconnecting: 'Reconnecting',
    reconnectingHint: 'The line to the server was lost a moment ago; this page is trying again.',
    stale: (since: string) => `Stale since ${since}`,
    staleHint: 'No line to the server: what you see was true then.',
  },

  theme: { toDark: 'Switch to dark', toLight: 'Switch to light' },
  signOut: 'Sign out',

  signIn: {
    title: 'Sign in',
    intro: {
      password: 'With the name and password you chose for this fleet.',
      token: 'With an API token. The server wrote one for its administrator at its first start.',
    },
    name: 'Name',
    password: 'Password',
    token: 'API token',
    otherWay: { password: 'Use an API token instead', token: 'Use name and password instead' },
    organisation: 'Sign in with your organisation',
    noAccount:
      'No account yet? An administrator invites you with: ringfleet people create NAME --role viewer. The very first one uses the link (setUp) in the server’s “server ready” line.',
    whereLabel: 'On the server, this prints it',
    where: 'cat /var/lib/ringfleet-server/keys/admin.token',
    whereNote:
      'In another data folder it is keys/admin.token there. The server’s “server ready” line also holds a link (signIn) that opens this page once.',
    button: 'Sign in',
    busy: 'Signing in',
    required: { password: 'Name and password are both needed.', token: 'Paste a token first.' },
    refused: 'The server does not know this token.',
    refusedRemedy:
      'Copy the whole line, or make a new token with: ringfleet token api create NAME --role operator',
  },

  choose: {
    title: { setup: 'Set up this fleet', invitation: 'Choose your password' },
    intro: {
      setup: 'You become its first administrator. Choose your name and a password; nobody else ever sees it.',
      invitation: 'An administrator invited you. The password you choose here is known to nobody else.',
    },
    again: 'Password, once more',
    rule: 'At least 12 characters. Four random words are easy to keep in mind and hard to guess.',
    button: { setup: 'Become administrator', invitation: 'Keep this password' },
    fault: {
      name: 'Choose a name first.',
      password: 'Choose a password first.',
      again: 'The two passwords differ.',
    },
  },

  problem: {
    unknown: (status: number) => `The server answered with status ${status} and no explanation.`,
    unknownRemedy: 'Look at the server’s log, then try again.',
    unreachable: 'The server does not answer.',
    unreachableRemedy: 'Check that ringfleet-server runs and that this machine reaches it.',
    internal: 'This page came upon something it does not understand.',
    internalRemedy: 'Reload it. If that does not help, page and server may be of different versions.',
    title: (what: string) => `${what} cannot be shown`,
    notFoundTitle: 'There is no such page',
    notFoundBack: 'To the fleet',
  },

  now: {
    label: 'The state of the fleet',
    loading: 'Asking the server',
    wellAll: (n: number) =>
      n === 1 ? 'The device runs what it should' : `All ${n} devices run what they should`,
    wellLoaded: (n: number, total: number) =>
      `Nothing is wrong among the first ${n.toLocaleString()} of ${devices(total)}`,
    moving: (n: number) => `Nothing is wrong; ${devices(n)} on the way to another release`,
    noDevices: 'No device has joined yet',
    idle: (n: number) => `${devices(n)} enrolled; no release is assigned yet`,
    more: 'Also',
    haltedOn: (release: string, ring: string | null) =>
      ring ? `${release} was stopped on ring ${ring}` : `${release} was stopped`,
    pausedOn: (release: string) => `The rollout of ${release} is paused`,
    offline: (n: number, names: string) => `${devices(n)} not connected: ${names}`,
    cloned: (n: number, names: string) =>
      `${n === 1 ? 'One identity is' : `${n} identities are`} in use twice: ${names}`,
    behind: (n: number, names: string) =>
      `${devices(n)} ${n === 1 ? 'does' : 'do'} not run what ${n === 1 ? 'it' : 'they'} should: ${names}`,
    names: (shown: readonly string[], rest: number) =>
      rest > 0 ? `${shown.join(', ')} and ${rest.toLocaleString()} more` : shown.join(', '),
  },

  figures: {
    devices: 'Devices',
    connected: 'Connected',
    connectedOf: (n: string, total: string) => `${n} of ${total}`,
    allConnected: 'all of them',
    notConnected: (n: number) => `${n.toLocaleString()} not connected`,
    noneYet: 'none yet',
    rings: (n: number) => `in ${plural(n, 'ring', 'rings')}`,
    rollouts: 'Rollouts in motion',
    rolloutsHalted: (n: number) => `${n.toLocaleString()} halted so far`,
    rolloutsCalm: 'none halted',
    releases: 'Releases by share',
    noReleases: 'No device runs a release yet.',
    share: (release: string, n: number, of: string) => `${release} on ${devices(n)}, ${of}`,
  },

  rollouts: {
    title: 'Rollouts',
    more: 'Show older rollouts',
    states: {
      running: 'In motion',
      paused: 'Paused',
      halted: 'Halted',
      aborted: 'Aborted',
      superseded: 'Replaced by a newer one',
      completed: 'Completed',
      completedWithStragglers: 'Completed, some still to come',
    },
    haltedTitle: 'Why it was halted',
    pausedTitle: 'Why it is paused',
    endedTitle: 'Why it ended',
    noReason: 'The server gave no reason.',
    started: 'Started',
    by: (who: string) => `by ${who}`,
    ended: 'ended',
    rings: 'Rings, in order',
    ringStates: {
      waiting: 'Waiting',
      open: 'Open',
      passed: 'Passed',
      failed: 'Failed',
      rolledBack: 'Rolled back',
    },
    opened: 'opened',
    notOpened: 'Opens when the ring before it has passed.',
    untouched: 'Never opened: no device here saw this release.',
    counts: {
      proven: () => 'proven',
      executed: () => 'executed',
      failed: () => 'failed',
      members: (n: number) => (n === 1 ? 'member' : 'members'),
    },
    countsHint: {
      proven: 'A heartbeat after the commit shows this release committed and still there',
      executed: 'Devices that ran this release',
      failed: 'Devices where this release failed or was rolled back',
      members: 'Devices in this ring',
    },
    extra: {
      regressed: (n: number) => `${n} came back after proving it`,
      unreached: (n: number) => `${n} not reached yet`,
      incompatible: (n: number) => `${n} cannot run it`,
      infra: (n: number) => `${n} failed on our side`,
    },
    bar: (proven: number, executed: number, failed: number, members: number) =>
      `${proven} proven, ${executed} executed and ${failed} failed of ${members}`,
    verdicts: { PASS: 'Gate passed', FAIL: 'Gate failed', INCONCLUSIVE: 'Gate not decided yet' },
    undecidedForGood: 'Gate never decided',
    noGate: 'The gate has not been asked yet.',
    was: (version: string) => `ran ${version} before`,
    wasNothing: 'ran nothing of this model before',
    emptyTitle: 'No rollout yet',
    emptyText:
      'A rollout takes one release through the rings, one after another, and asks a gate between them for evidence.',
    empty: [
      {
        text: 'Build, sign and publish a release.',
        command:
          'ringfleet release build FOLDER\nringfleet release sign dist/MODEL-VERSION --trust TRUST\nringfleet release publish dist/MODEL-VERSION --trust TRUST',
      },
      {
        text: 'Send it out, ring by ring.',
        command: 'ringfleet rollout start MODEL@VERSION --plan plan.yaml',
      },
    ],
  },

  devices: {
    title: 'Devices',
    searchLabel: 'Find a device',
    searchHint: 'Find by id or label',
    ringLabel: 'Ring',
    allRings: 'All rings',
    sortLabel: 'Order',
    sortBy: (column: string) => `Sort by ${column.toLowerCase()}`,
    columns: {
      device: 'Device',
      ring: 'Ring',
      model: 'Model',
      running: 'Runs',
      state: 'State',
      wanted: 'Should run',
      answers: 'Answers',
      failures: 'Failed',
      fallbacks: 'Fallbacks',
      seen: 'Last seen',
    },
    columnHints: {
      answers: 'Requests answered since the running release was activated',
      failures: 'Failures on valid input',
      fallbacks: 'Requests of the running release that the previous release answered',
    },
    ascending: 'ascending',
    descending: 'descending',
    connected: 'Connected',
    connectedByHttp: 'By HTTP only',
    notConnected: 'Offline',
    revoked: 'Revoked',
    decommissioned: 'Decommissioned',
    cloned: 'In use twice',
    noRing: 'no ring',
    alsoIn: (rings: string) => `also matches ${rings}`,
    noModel: 'no model assigned',
    nothing: 'nothing',
    upToDate: 'the same',
    removed: 'nothing',
    variant: (name: string) => `variant ${name}`,
    caption: 'Devices with what each runs and should run',
    count: (shown: number, total: number | null) =>
      total !== null && total > shown ? `${shown.toLocaleString()} of ${devices(total)}` : devices(shown),
    sortedLoaded: 'Sorted among those loaded.',
    more: 'Load more devices',
    loadingMore: 'Loading',
    noMatchTitle: 'No device matches',
    noMatchText: 'Nothing here has this id, label or ring.',
    clear: 'Clear the filter',
    emptyTitle: 'No device yet',
    emptyText: 'A device joins with a token that says where the server is and whom to trust.',
    empty: [
      {
        text: 'Make a token, on any machine with the ringfleet command.',
        command: 'ringfleet token create first-device --label stage=canary',
      },
      {
        text: 'On the device, put the printed line into a file, enroll with it and start the agent.',
        command: 'ringfleet-agent enroll --token-file token.txt\nringfleet-agent run',
      },
    ],
    phases: {
      empty: 'Nothing installed',
      offered: 'Checking the offer',
      downloading: 'Downloading',
      verifying: 'Verifying files',
      preflight: 'Testing before use',
      ready: 'Ready to switch',
      shadow: 'Running in shadow',
      activating: 'Switching over',
      soaking: 'On probation',
      rollingBack: 'Rolling back',
      removing: 'Removing',
      unknown: (phase: string) => `In phase ${phase}`,
    },
    moving: (words: string, version: string) => `${words} ${version}`,
    proven: 'Proven',
    committed: 'Committed, proof to come',
    unexercised: 'Committed without traffic',
    idleEmpty: 'Nothing installed',
    refused: (version: string) => `Refused ${version}`,
    cameBack: (version: string) => `Came back from ${version}`,
    because: (reason: string, code: string) => `${reason} (${code})`,
  },

  refused: {
    title: 'Refused contacts',
    who: (address: string, device: string | null) => (device ? `${device} from ${address}` : address),
    times: (n: number) => (n === 1 ? 'once' : `${n.toLocaleString()} times`),
    serial: (serial: string) => `serial ${serial}`,
  },

  events: {
    title: 'Recent events',
    empty: 'Nothing has happened yet. Enrollments, transitions and gates will appear here as they happen.',
    more: (n: number) => `Show ${n.toLocaleString()} more`,
    fewer: 'Show fewer',
  },
} as const;
