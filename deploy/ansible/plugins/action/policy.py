# Carries the policy of `src` to the host: a file, or a folder with all that it includes, as one
# archive. The module of the same name unpacks it in its own temporary folder, so that check mode
# looks at the very files that would be loaded, and none of them stays.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import tarfile
import tempfile

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.action import ActionBase


def _pack(src, archive):
    """Writes the regular files of `src` to `archive`; gives the name of a single one."""
    with tarfile.open(archive, "w", dereference=True) as packed:
        if not os.path.isdir(src):
            packed.add(src, arcname=os.path.basename(src))
            return os.path.basename(src)
        for folder, folders, files in os.walk(src, followlinks=True):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                whole = os.path.join(folder, name)
                if not name.startswith(".") and os.path.isfile(whole):
                    packed.add(whole, arcname=os.path.relpath(whole, src))
    return None


class ActionModule(ActionBase):
    TRANSFERS_FILES = True

    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        arguments = dict(self._task.args)
        src = arguments.pop("src", None)
        try:
            if src is not None:
                arguments.update(self._carry(src, arguments.get("path")))
            result.update(
                self._execute_module(
                    module_name="firewright.host.policy", module_args=arguments, task_vars=task_vars
                )
            )
        except AnsibleError as error:
            result.update(failed=True, msg=to_text(error))
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _carry(self, src, path):
        found = self._find_needle("files", src)
        handle, archive = tempfile.mkstemp(prefix="firewright-", dir=C.DEFAULT_LOCAL_TMP)
        os.close(handle)
        try:
            single = _pack(found, archive)
            if single is None and not path:
                raise AnsibleError("src is a folder; say with path which file in it is the policy")
            if single is not None and path:
                raise AnsibleError("src is a file; path is for folders")
            remote = self._connection._shell.join_path(self._make_tmp_path(), "policy.tar")
            self._transfer_file(archive, remote)
            self._fixup_perms2((self._connection._shell.tmpdir, remote))
        finally:
            os.unlink(archive)
        return {"_archive": remote, "path": single or path}
