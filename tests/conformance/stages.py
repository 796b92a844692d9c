"""Sees the stages of a request on Flask 1.1.4: the call tree of the lifecycle's functions, by `sys.setprofile`."""

import sys

from flask import Flask
from flask.ctx import AppContext, RequestContext
from flask.sessions import SecureCookieSessionInterface

STAGES = """
    Flask.wsgi_app Flask.request_context RequestContext.__init__ Flask.create_url_adapter RequestContext.push
    Flask.app_context AppContext.__init__ AppContext.push open_session make_null_session RequestContext.match_request
    Flask.full_dispatch_request Flask.try_trigger_before_first_request_functions Flask.preprocess_request
    Flask.dispatch_request Flask.handle_user_exception Flask.handle_http_exception Flask.handle_exception
    Flask.finalize_request Flask.make_response Flask.process_response save_session Flask.should_ignore_error
    RequestContext.auto_pop RequestContext.pop Flask.do_teardown_request AppContext.pop Flask.do_teardown_appcontext
""".split()

OWNERS = {
    "Flask": Flask,
    "RequestContext": RequestContext,
    "AppContext": AppContext,
    "": SecureCookieSessionInterface,
}


def _code_names():
    """Stage names by the identity of their code. Hashing a code object itself would hash all its constants."""
    names = {}
    for stage in STAGES:
        owner, _, method = stage.rpartition(".")
        function = getattr(OWNERS[owner], method, None)
        if function is not None:  # Flask 3.1.3 lacks some; it is never profiled
            names[id(function.__code__)] = stage
    return names


CODE_NAMES = _code_names()


class StageRecorder:
    """While entered, collects `[depth, name]` for every call of a stage, in call order."""

    def __init__(self):
        self.stages = []
        self._depth = 0

    def __enter__(self):
        sys.setprofile(self._see)

    def __exit__(self, *error):
        sys.setprofile(None)

    def _see(self, frame, event, argument):
        # "return" also comes where an error leaves the function.
        if event == "call":
            name = CODE_NAMES.get(id(frame.f_code))
            if name is not None:
                self.stages.append([self._depth, name])
                self._depth += 1
        elif event == "return" and id(frame.f_code) in CODE_NAMES:
            self._depth -= 1
