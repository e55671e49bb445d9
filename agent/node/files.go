package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"

	"warren/topology"
	"warren/topology/erlang"
)

// rabbitmqUser is the user that RabbitMQ runs as, in official images and in Debian's packages.
const rabbitmqUser = "rabbitmq"

// account is the number of a user and of its group.
type account struct{ uid, gid int }

func rabbitmqAccount() (account, error) {
	u, err := user.Lookup(rabbitmqUser)
	if err != nil {
		return account{}, fmt.Errorf("the image has no user %s: %w", rabbitmqUser, err)
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	return account{uid, gid}, errors.Join(uidErr, gidErr)
}

// PrepareFiles makes, as root, the files of a container usable for user rabbitmq: its volume, which has
// another owner when it is new or the image has changed, its Erlang cookie, and, if there are some, the
// definitions and the certificate. The engine makes uploaded files root's, and RabbitMQ refuses a cookie that
// somebody else may read. The Erlang modules that nodes load come with this program: an engine takes a file
// system's mount and more for every file that is uploaded.
func PrepareFiles() error {
	owner, err := rabbitmqAccount()
	if err != nil {
		return err
	}
	if err := chown(topology.DataPath, owner); err != nil {
		return err
	}
	if err := os.MkdirAll(topology.RunPath, 0o700); err != nil {
		return err
	}
	if err := os.Chown(topology.RunPath, owner.uid, owner.gid); err != nil {
		return err
	}
	if err := install(topology.CookiePath, topology.DataCookiePath, owner); err != nil {
		return err
	}
	err = install(topology.UploadedDefinitionsPath, topology.DefinitionsPath, owner)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a membership has none
		return err
	}
	for path, source := range map[string]string{
		topology.PromptElectionPath: erlang.PromptElection,
		topology.NodePulsePath:      erlang.NodePulse,
	} {
		if err := os.WriteFile(path, []byte(source), 0o444); err != nil {
			return err
		}
	}
	return prepareCertificate(owner)
}

// prepareCertificate hands a node's certificate over in the volume that the node and its membership share, if
// there is one. The membership has the certificate, because its container can be replaced while the node
// runs.
func prepareCertificate(owner account) error {
	if _, err := os.Stat(topology.UploadedInterNodePath); err == nil { // the formation shares no volume
		if err := os.MkdirAll(topology.TLSPath, 0o700); err != nil {
			return err
		}
	}
	err := os.Chown(topology.TLSPath, owner.uid, owner.gid)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the stack has no TLS
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(topology.TLSPath, 0o700); err != nil {
		return err
	}
	// The certificate comes last, because the node waits for it.
	for _, file := range []struct{ from, to string }{
		{topology.UploadedClientAuthorityPath, topology.ClientAuthorityPath},
		{topology.UploadedInterNodeAuthorityPath, topology.InterNodeAuthorityPath},
		{topology.UploadedInterNodePath, topology.InterNodePath},
		{topology.UploadedAuthorityPath, topology.AuthorityPath},
		{topology.UploadedCertificatePath, topology.CertificatePath},
	} {
		err := install(file.from, file.to, owner)
		if errors.Is(err, fs.ErrNotExist) {
			err = withdraw(file.to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// withdraw removes what an earlier membership handed over and this one does not. A node has nothing to hand
// over, and leaves all as it is.
func withdraw(file string) error {
	_, err := os.Stat(topology.UploadedCertificatePath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// missingFrom returns a file in a folder that configuration files name and that is not there; empty if all
// are.
func missingFrom(folder string, configurations ...string) string {
	named := regexp.MustCompile(regexp.QuoteMeta(folder) + `/[A-Za-z0-9._-]+`)
	for _, configuration := range configurations {
		text, err := os.ReadFile(configuration)
		if err != nil {
			continue // not every node has all of them, and RabbitMQ says so if it misses one
		}
		for _, file := range named.FindAllString(string(text), -1) {
			if _, err := os.Stat(file); err != nil {
				return file
			}
		}
	}
	return ""
}

// chown gives everything in a folder to an account. It changes what has another owner only: a volume may
// hold many files.
func chown(folder string, owner account) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) == owner.uid {
			return nil
		}
		return os.Lchown(path, owner.uid, owner.gid)
	})
}

// install copies a file, for one account to read. The copy replaces what was there in one step.
func install(from, to string, owner account) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	temporary := to + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(temporary, text, 0o400); err != nil {
		return err
	}
	if err := os.Chown(temporary, owner.uid, owner.gid); err != nil {
		return err
	}
	return os.Rename(temporary, to)
}

// DropPrivileges continues this program as user rabbitmq, with the same arguments. It returns only if it
// fails.
func DropPrivileges() error {
	owner, err := rabbitmqAccount()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Setenv("HOME", topology.DataPath); err != nil {
		return err
	}
	if err := errors.Join(
		syscall.Setgroups([]int{owner.gid}), syscall.Setgid(owner.gid), syscall.Setuid(owner.uid),
	); err != nil {
		return fmt.Errorf("becoming user %s: %w", rabbitmqUser, err)
	}
	return syscall.Exec(self, os.Args, os.Environ())
}
