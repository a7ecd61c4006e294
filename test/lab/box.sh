#!/bin/bash
# The part of box.ts that has to happen in new namespaces: makes a root file system, then becomes systemd.
#
#   box.sh enter              joins the cgroups of $BOX_CGROUPS and makes the namespaces
#   box.sh inside             the first process in there; says "pid N", waits for a line on stdin, boots
#
# Environment, all set by box.ts:
#   BOX_NAME       host name and machine id of the box
#   BOX_WORK       an empty folder: everything below is mounted in there
#   BOX_ROOT       usr: an empty system with the host's /usr; host: a copy-on-write view of the host; else: of that folder
#   BOX_UPPER      where the copy-on-write view keeps its changes
#   BOX_DISK       an ext4 image, or nothing; BOX_DISK_AT where it is mounted; BOX_DISK_OPTIONS more mount options
#   BOX_BINDS      lines "ro|rw SOURCE TARGET"
#   BOX_NETNS      name of a network namespace, or nothing for one of its own with loopback only
#   BOX_CGROUPS    lines "MOUNTPOINT OPTIONS FOLDER" ("-" as options: cgroup v2)
set -euo pipefail
self=$(readlink -f "$0")

enter() {
  local mount options folder network=(--net) before=()
  while read -r mount options folder; do echo $$ > "$folder/cgroup.procs"; done <<< "$BOX_CGROUPS"
  [ -z "$BOX_NETNS" ] || { network=(); before=(nsenter "--net=/run/netns/$BOX_NETNS" --); }
  exec "${before[@]}" unshare --mount --propagation private --uts --ipc "${network[@]}" --cgroup --pid --fork \
    --kill-child=KILL "$self" inside
}

inside() {
  local pid
  # /proc is still the host's: our own number there.
  read -r pid _ < /proc/self/stat
  echo "pid $pid"
  # unshare(1) leaves our cgroup meanwhile: a process from outside would read as number 0 in there.
  read -r
  mount -t tmpfs -o mode=755 box "$BOX_WORK"
  R=$BOX_WORK/root
  mkdir "$R"
  root_files
  kernel_files
  cgroup_files
  only_our_units
  disk_and_binds
  hostname "$BOX_NAME"
  ip link set lo up
  cd "$R"
  mkdir -p .old
  pivot_root . .old
  umount -l /.old
  rmdir /.old 2>/dev/null || true
  # systemd leaves this to who starts it; without it LoadCredential= finds nothing.
  mount --make-rshared /
  exec env -i container=box PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal --show-status=false < /dev/null
}

root_files() {
  local link
  case $BOX_ROOT in
    usr)
      mount -t tmpfs -o mode=755 root "$R"
      mkdir -p "$R"/{usr,etc,proc,sys,dev,run,tmp,var/lib,var/log/journal,opt,srv,home,mnt}
      mkdir -m 700 "$R/root"
      for link in bin sbin lib lib32 lib64 libx32; do [ ! -L /$link ] || cp -P "/$link" "$R/$link"; done
      mount --bind /usr "$R/usr"
      mount -o remount,bind,ro "$R/usr"
      cp -a /etc/. "$R/etc/"
      ;;
    host) overlay / ;;
    *) overlay "$BOX_ROOT" ;;
  esac
}

overlay() {
  mkdir -p "$BOX_UPPER"/{up,work}
  mount -t overlay overlay -o "lowerdir=$1,upperdir=$BOX_UPPER/up,workdir=$BOX_UPPER/work" "$R"
}

kernel_files() {
  local one name major minor
  mount -t proc -o nosuid,nodev,noexec proc "$R/proc"
  mount -t sysfs -o nosuid,nodev,noexec sysfs "$R/sys"
  # What is not of the box's own namespaces is the host's: read only.
  for one in sys sysrq-trigger kcore kallsyms timer_list; do
    [ -e "$R/proc/$one" ] || continue
    mount --bind "$R/proc/$one" "$R/proc/$one"
    mount -o remount,bind,ro "$R/proc/$one"
  done
  mount --bind "$R/proc/sys/net" "$R/proc/sys/net"
  mount -o remount,bind,rw "$R/proc/sys/net"
  cat /proc/sys/kernel/random/uuid > "$BOX_WORK/boot_id"
  mount --bind "$BOX_WORK/boot_id" "$R/proc/sys/kernel/random/boot_id"
  mount -t tmpfs -o mode=755,nosuid,size=4m dev "$R/dev"
  for one in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    IFS=: read -r name major minor <<< "$one"
    mknod -m 666 "$R/dev/$name" c "$major" "$minor"
  done
  mkdir "$R"/dev/{pts,shm,mqueue}
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$R/dev/pts"
  ln -s pts/ptmx "$R/dev/ptmx"
  ln -s /proc/self/fd "$R/dev/fd"
  for one in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${one%:*}" "$R/dev/${one#*:}"; done
  mount -t tmpfs -o mode=1777,nosuid,nodev shm "$R/dev/shm"
  mount -t tmpfs -o mode=755,nosuid,nodev run "$R/run"
  mkdir -p "$R/run/lock" "$R/run/systemd/system"
  mount -t tmpfs -o mode=1777,nosuid,nodev tmp "$R/tmp"
}

# The tree as our cgroup namespace shows it, laid out as on the host.
cgroup_files() {
  local mount options folder
  if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
    mount -t cgroup2 cgroup2 "$R/sys/fs/cgroup"
  else
    mount -t tmpfs -o mode=755,nosuid,nodev,noexec cgroup "$R/sys/fs/cgroup"
    while read -r mount options folder; do
      mkdir -p "$R$mount"
      case $options in
        -) mount -t cgroup2 cgroup2 "$R$mount" ;;
        name=*) mount -t cgroup -o "none,$options" cgroup "$R$mount" ;;
        *) mount -t cgroup -o "$options" cgroup "$R$mount" ;;
      esac
    done <<< "$BOX_CGROUPS"
  fi
  mount -o remount,bind,ro "$R/sys"
}

# None of what the host has enabled, and nothing that would reach for its hardware.
only_our_units() {
  local units=$R/etc/systemd/system one
  if [ "$BOX_ROOT" = usr ] || [ ! -e "$R/etc/box-booted" ]; then
    rm -rf "$units"
    mkdir -p "$units"
    for one in systemd-{sysctl,logind,firstboot,udevd,modules-load,timesyncd,networkd,resolved,repart,binfmt}.service \
      systemd-remount-fs.service e2scrub_reap.service getty.target {apt-daily,apt-daily-upgrade,e2scrub_all,fstrim}.timer \
      {man-db,dpkg-db-backup}.timer proc-sys-fs-binfmt_misc.automount sys-kernel-{debug,tracing,config}.mount; do
      ln -s /dev/null "$units/$one"
    done
    # The certificate stores of the host come along; its network and disks do not.
    rm -f "$R/etc/machine-id" "$R/etc/fstab" "$R/etc/hostname"
    printf %s "box-$BOX_NAME" | md5sum | cut -c1-32 > "$R/etc/machine-id"
    echo "$BOX_NAME" > "$R/etc/hostname"
    : > "$R/etc/box-booted"
  fi
}

disk_and_binds() {
  local mode source target
  if [ -n "$BOX_DISK" ]; then
    mkdir -p "$R$BOX_DISK_AT"
    mount -o "loop,noatime${BOX_DISK_OPTIONS:+,$BOX_DISK_OPTIONS}" "$BOX_DISK" "$R$BOX_DISK_AT"
  fi
  mkdir -p "$R"/var/{lib,log/journal,tmp,cache}
  chmod 1777 "$R/var/tmp"
  [ -L "$R/var/run" ] || { rm -rf "$R/var/run"; ln -s ../run "$R/var/run"; }
  while read -r mode source target; do
    [ -n "$mode" ] || continue
    target=$R$target
    if [ -d "$source" ]; then mkdir -p "$target"; else mkdir -p "${target%/*}"; [ -e "$target" ] || : > "$target"; fi
    mount --bind "$source" "$target"
    [ "$mode" = rw ] || mount -o remount,bind,ro "$target"
  done <<< "$BOX_BINDS"
}

"$1"
