"""What the stack runs on is accepted by Prometheus' and Alertmanager's own tools."""

from scenarios.campaign import Campaign
from stack.launch.checking import check_configs
from stack.tools import Tools


def test_promtool_and_amtool_accept_the_configuration(campaign: Campaign, tools: Tools) -> None:
    problems = [
        problem for stack in campaign.stacks for problem in check_configs(tools, stack.directory)
    ]
    assert not problems, "\n".join(str(problem) for problem in problems)
