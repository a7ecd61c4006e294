import type { CatalogPart } from './error-class.ts';

export const AGENT_ERRORS = {
  AGENT_INTERNAL: {
    class: 'INFRA',
    sentence: 'Something failed that should not have.',
    remedy: 'Report it with the log lines around it.',
  },
  CONFIG_INVALID: {
    class: 'INPUT',
    sentence: 'The configuration is not valid.',
    remedy: 'Correct the key that is named; `--help` lists all of them.',
  },
  STATE_INVALID: {
    class: 'DEVICE',
    sentence: 'The saved state cannot be read by this version of the agent.',
    remedy: 'Install the agent version that wrote it, or a newer one.',
  },
  NOT_ENROLLED: {
    class: 'DEVICE',
    sentence: 'This state folder holds no identity.',
    remedy: 'Run `ringfleet-agent enroll --token-file FILE` first.',
  },
  ALREADY_ENROLLED: {
    class: 'CONFLICT',
    sentence: 'This state folder already holds an identity.',
    remedy: 'Use another --state-dir for another device.',
  },
  ENROLLMENT_TOKEN_INVALID: {
    class: 'INPUT',
    sentence: 'The enrollment token cannot be read.',
    remedy: 'Copy the whole line that `ringfleet token create` printed; it begins with rfe1.',
  },
  ENROLLMENT_REFUSED: {
    class: 'CONFLICT',
    sentence: 'The server did not admit this device.',
    remedy: 'Ask the operator for a new token; the message says what was wrong with this one.',
  },
  CA_PIN_MISMATCH: {
    class: 'TRUST',
    sentence: 'The server is not the one that the token names: its root certificate differs.',
    remedy: 'Check the address and who answers there, then ask for a new token. Nothing was sent.',
  },
  APPROVAL_TIMEOUT: {
    class: 'SITE',
    sentence: 'Nobody approved this device in time.',
    remedy:
      'Ask the operator for `ringfleet device approve ID --code CODE`, then run the same command again: the code stays.',
  },
  CERTIFICATE_REPLY_INVALID: {
    class: 'TRUST',
    sentence: 'The renewed certificate is not for the key that was sent.',
    remedy: 'Nothing was changed; look at who answers for the fleet server.',
  },
  SERVER_REFUSED: {
    class: 'INFRA',
    sentence: 'The fleet server answered with an error.',
    remedy: 'Look into the server log at this time; the agent tries again by itself.',
  },
  SUPERVISOR_STUCK: {
    class: 'INFRA',
    sentence: 'A model that should answer has no runner, and nobody starts one.',
    remedy: 'Nothing to do: the service manager restarts the agent. Report it with the log lines before it.',
  },
  JOURNAL_MISSING: {
    class: 'DEVICE',
    sentence: "This system has no journal: the agent's log went where its standard output goes.",
    remedy:
      'Install systemd-journald, or look into the log of whatever started `ringfleet-agent run`: in a container `docker logs NAME` or `podman logs NAME`, else the file that its standard output was sent to.',
  },
  SYSTEM_UNSUPPORTED: {
    class: 'INPUT',
    sentence: 'The agent cannot be installed on this system.',
    remedy:
      'Use Linux on amd64 or arm64 with glibc 2.34 or newer and systemd: Debian 12, Ubuntu 22.04, JetPack 6.',
  },
  INSTALL_CONFLICT: {
    class: 'CONFLICT',
    sentence: 'The agent of this system is in the hands of the package manager, or already there.',
    remedy: 'Use `apt install`, `apt remove` and `apt purge`, or run the program of the unpacked tarball.',
  },
  AGENT_NOT_RUNNING: {
    class: 'DEVICE',
    sentence: 'No agent answers on this state folder.',
    remedy:
      'Start it with `systemctl start ringfleet-agent`, or with `ringfleet-agent run` by hand; or check --state-dir.',
  },
  NO_VARIANT_FITS: {
    class: 'DEVICE',
    sentence: 'No variant of the release fits this device.',
    remedy: 'Build a variant for this hardware, or take the device out of the ring.',
  },
  ARCH_UNSUPPORTED: {
    class: 'DEVICE',
    sentence: 'Every variant of the release is for another processor than this device has.',
    remedy: 'Build a variant for this architecture, or take the device out of the ring.',
  },
  OS_UNSUPPORTED: {
    class: 'DEVICE',
    sentence: 'Every variant of the release is for another operating system.',
    remedy: 'Build a variant for this operating system, or take the device out of the ring.',
  },
  PROVIDER_UNSUPPORTED: {
    class: 'DEVICE',
    sentence: 'No variant of the release can run on a provider that works on this device.',
    remedy:
      'See `ringfleet-agent providers` on the device; install the provider, or build a variant for one that works.',
  },
  RUNTIME_UNSUPPORTED: {
    class: 'DEVICE',
    sentence: 'Every variant of the release needs another ONNX Runtime than this device has.',
    remedy: 'Update the agent, or build the release for the runtime that is there.',
  },
  MEMORY_TOO_SMALL: {
    class: 'DEVICE',
    sentence: 'The release needs more memory than this device has.',
    remedy: 'Build a smaller variant, or take the device out of the ring.',
  },
  MINIMUM_FROM_UNMET: {
    class: 'DEVICE',
    sentence: 'The release can only follow a newer release than the one on this device.',
    remedy: 'Roll out the release that it names first, then raise the attempt.',
  },
  LIMITS_LOOSENED: {
    class: 'TRUST',
    sentence: 'The assignment allows the release more than its publisher signed.',
    remedy:
      'Assign limits at or below those of the manifest. If nobody assigned any, look for who holds the online key.',
  },
  DISK_SPACE_LOW: {
    class: 'SITE',
    sentence: 'There is not enough free disk space to install the release safely.',
    remedy: 'Free disk space on the device, or lower disk.reserveBytes.',
  },
  ARTIFACT_CORRUPT: {
    class: 'INFRA',
    sentence: 'The bytes that were downloaded are not the ones that the publisher signed.',
    remedy: "Check the server's artifact store and proxies on the way, publish again, then retry.",
  },
  SLOT_CORRUPT: {
    class: 'SITE',
    sentence: 'Files of an installed release changed on disk.',
    remedy: "Check the device's disk; the release is fetched again by itself.",
  },
  MANIFEST_MISMATCH: {
    class: 'RELEASE',
    sentence: 'The manifest describes another release than the one that was assigned.',
    remedy: 'Build, sign and publish the release again.',
  },
  RELEASE_VERSION_REUSED: {
    class: 'RELEASE',
    sentence: 'This version is installed already, with other bytes.',
    remedy: 'Releases never change: publish it under a new version.',
  },
  ACCEPTANCE_OF_ACTIVE_FAILED: {
    class: 'RELEASE',
    sentence:
      'The candidate does worse on the labelled samples of the active release than that release promised.',
    remedy: 'Compare training data and labels of both releases.',
  },
  LATENCY_OVER_LIMIT: {
    class: 'RELEASE',
    sentence: 'The candidate is slower on this device than its manifest allows.',
    remedy: 'Build a faster variant for this hardware, or raise limits.inferMs.',
  },
  SOAK_FAILURES: {
    class: 'RELEASE',
    sentence: 'Too many valid requests failed while the release soaked.',
    remedy: 'Look at the failures of this release on this device, then release a corrected version.',
  },
  SOAK_NON_FINITE: {
    class: 'RELEASE',
    sentence: 'The release gave NaN or infinite outputs on finite input.',
    remedy: 'Check quantization and export, then release a corrected version.',
  },
  SOAK_CLASSES_SHIFTED: {
    class: 'RELEASE',
    sentence: 'The release predicts other classes than the one before it on the same stream.',
    remedy: 'Compare both releases on labelled data; if the change is wanted, raise the attempt.',
  },
  SOAK_LATENCY: {
    class: 'RELEASE',
    sentence: 'The release is far slower than the one before it and near its execution limit.',
    remedy: 'Build a faster variant for this hardware.',
  },
  SOAK_SCORES_FELL: {
    class: 'RELEASE',
    sentence: 'The release is far less sure of its answers than the one before it on the same stream.',
    remedy: 'Compare both releases on labelled data; if the change is wanted, raise the attempt.',
  },
  SHADOW_FAILURES: {
    class: 'RELEASE',
    sentence: 'The release failed on live requests that the active release answered.',
    remedy: 'Look at the failures of this release on this device, then release a corrected version.',
  },
  SHADOW_DISAGREES: {
    class: 'RELEASE',
    sentence: 'The release answers live requests otherwise than the active one, more often than allowed.',
    remedy:
      'Compare both releases on labelled data; if the change is wanted, lower the asked agreement or raise the attempt.',
  },
  SHADOW_NOT_COMPARABLE: {
    class: 'RELEASE',
    sentence: 'The answers of the two releases have no output in common.',
    remedy: 'Nothing to do if inputs or outputs were meant to change; the shadow says nothing then.',
  },
  BOOT_LIMIT_EXCEEDED: {
    class: 'RELEASE',
    sentence: 'The device went down again and again while it tried the release.',
    remedy: 'Check memory use of the release on this hardware.',
  },
  STEP_LIMIT_EXCEEDED: {
    class: 'INFRA',
    sentence: 'The agent died again and again at the same step before the release had run.',
    remedy: "Look into the device's log before each start; then raise the attempt.",
  },
  TRIAL_INTERRUPTED: {
    class: 'SITE',
    sentence:
      'The machine went down again and again while it tried the release, by its power or a crash of the system.',
    remedy: "Check the device's power supply and system log; when it runs steadily, raise the attempt.",
  },
  MACHINE_STARTS_NO_RUNNER: {
    class: 'SITE',
    sentence: 'This machine starts no runner now, not even one of the release that is proven on it.',
    remedy:
      'Free memory and file descriptors, or repair the installation of the agent (`ringfleet-agent doctor`); then raise the attempt.',
  },
  NO_ROOM_BESIDE: {
    class: 'SITE',
    sentence: 'There is not enough memory for a second runner beside the one that answers.',
    remedy:
      'Nothing to do: the release takes over with a short interruption, inside its maintenance window. To avoid that, free memory or build a smaller variant.',
  },
  ATTEMPT_NOT_RAISED: {
    class: 'CONFLICT',
    sentence: 'The device gave the release up earlier and was not asked to try it again.',
    remedy: 'Assign the release again, or resume the rollout: the attempt is raised then.',
  },
  STEP_TIMED_OUT: {
    class: 'DEVICE',
    sentence: 'A step of the update took longer than it may.',
    remedy: "Check the device's disk and load, then raise the attempt.",
  },
  HELD_AT_DEVICE: {
    class: 'SITE',
    sentence: 'Somebody at the device holds all updates.',
    remedy: 'Run `ringfleet-agent release` on the device when they may go on.',
  },
  HELD_BY_SERVER: {
    class: 'SITE',
    sentence: 'The fleet server holds updates of this device.',
    remedy: 'Take the hold back on the server when they may go on.',
  },
  WINDOW_CLOSED: {
    class: 'SITE',
    sentence: 'The release is ready and waits for its maintenance window.',
    remedy: 'Nothing to do: it goes live when the window opens.',
  },
  HOLD_SET: {
    class: 'DEVICE',
    sentence: 'Somebody at the device holds all updates from now on.',
    remedy: 'Run `ringfleet-agent release` on the device when they may go on.',
  },
  HOLD_RELEASED: {
    class: 'DEVICE',
    sentence: 'Updates of this device go on.',
    remedy: 'Nothing to do.',
  },
  JOURNAL_CORRUPT: {
    class: 'SITE',
    sentence: "The agent's journal could not be read, was set aside and was made anew.",
    remedy:
      "Check the device's disk; proven releases and floors were kept, reports that were not sent yet may be lost.",
  },
  STATE_NOT_WRITABLE: {
    class: 'SITE',
    sentence: 'The state folder takes no writes: what is proven goes on answering, and nothing is updated.',
    remedy: 'Free disk space, or replace the disk; the agent takes up its work by itself then.',
  },
  STATE_REBUILT: {
    class: 'SITE',
    sentence: 'Saved state was lost or could not be read, and was rebuilt from what was proven last.',
    remedy: "Check the device's disk. Nothing to do if an older agent was just installed.",
  },
  INSTALL_EXPIRED: {
    class: 'INFRA',
    sentence: 'The assignment was too old when the release was ready to go live.',
    remedy: 'Let the device reach the server, or start the rollout again.',
  },
  COMMAND_DONE: {
    class: 'DEVICE',
    sentence: 'The device did what it was asked to do.',
    remedy: 'Nothing to do.',
  },
  COMMAND_EXPIRED: {
    class: 'DEVICE',
    sentence: 'The command was too old when it reached the device.',
    remedy: "Send it again; check the device's clock if it happens often.",
  },
  COMMAND_UNSUPPORTED: {
    class: 'DEVICE',
    sentence: 'This version of the agent does not know the command.',
    remedy: 'Update the agent.',
  },
  RELEASE_REGRESSED: {
    class: 'RELEASE',
    sentence: 'A release that had been committed kept failing, so the one before it took over.',
    remedy: 'Look at the runner exits of this release, then release a corrected version.',
  },
} as const satisfies CatalogPart;
