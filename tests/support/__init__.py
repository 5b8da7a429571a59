"""What several tests share: the notebook runner, the rule for skips, scripted models and servers, small builders."""
